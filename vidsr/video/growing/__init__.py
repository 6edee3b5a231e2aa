"""Targets that can be watched while their run goes on."""
