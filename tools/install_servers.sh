#!/usr/bin/env bash
# Installs the servers that the tests of live video talk to: GStreamer's RTSP server, nginx with its
# RTMP module, srt-live-transmit, FFmpeg. Debian and Ubuntu, as root. Elsewhere it says so and
# leaves it at that: the tests that need them skip, with the reason.
set -euo pipefail

PACKAGES=(
  ffmpeg gir1.2-gst-plugins-base-1.0 gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly gstreamer1.0-rtsp
  gstreamer1.0-tools libnginx-mod-rtmp nginx python3-gi srt-tools
)

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo 'servers for the tests of live video: not installed, for want of apt-get or of root'
  exit 0
fi
missing=()
for package in "${PACKAGES[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

export DEBIAN_FRONTEND=noninteractive
# nginx is started by the tests, each with a configuration of its own, never by its package.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
if apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
  echo "servers for the tests of live video: installed ${missing[*]}"
else
  echo 'servers for the tests of live video: apt-get failed; tests that need them skip' >&2
fi
