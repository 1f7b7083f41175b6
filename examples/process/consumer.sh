#!/usr/bin/env bash
# Says which topics there are: a consumer of kind `process`, see consumers/README.md.
read -r _hello
echo '{"type":"hello"}'
while read -r line; do
  case $line in '{"type":"stop"}') break ;; esac
  id=${line#*'"id":'} topic=${line#*'"topic":'}
  id=${id%%,*} topic=${topic%%,*} # still JSON, as it came
  echo "{\"type\":\"publish\",\"topic\":\"seen\",\"msg\":$topic}"
  echo "{\"type\":\"ack\",\"id\":$id}"
done
