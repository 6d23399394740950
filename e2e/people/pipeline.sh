#!/bin/sh
# A pipeline: releases a version, and goes on only if that was promoted. $1 is the Canary and its Deployment, $2 how long
# to wait; the rest are the version's variables. It ends with the exit code of `kubectl canary status`.
set -eu
name=$1 patience=$2
shift 2
kubectl set env "deployment/$name" "$@"
if kubectl canary status "$name" --watch --timeout "$patience"; then
  echo "pipeline: promoted, the next stage begins"
else
  code=$?
  echo "pipeline: stopped with exit code $code"
  exit "$code"
fi
