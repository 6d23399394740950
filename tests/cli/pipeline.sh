#!/bin/sh
# A pipeline that goes on only with a release that was promoted. $ROLLOUTS is the command; $1 the Canary; $2 how long.
$ROLLOUTS status "$1" --watch --timeout "$2"
code=$?
case $code in
  0) echo "pipeline: promoted, tell the others" ;;
  1) echo "pipeline: rolled back, keep the change out of the main branch"; exit 1 ;;
  2) echo "pipeline: not over in time, a person has to look"; exit 1 ;;
  3) echo "pipeline: there is no such Canary, the pipeline names the wrong one"; exit 1 ;;
  *) echo "pipeline: no answer ($code), try again"; exit 1 ;;
esac
