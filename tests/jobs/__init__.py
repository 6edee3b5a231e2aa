"""Tests of runs that processes share."""
