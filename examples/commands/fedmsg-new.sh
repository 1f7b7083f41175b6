# A hub of one's own: a project that compiles, with a consumer, a producer, tests, a configuration and a unit.
set -eu
fedmsg-new hub our-hub > /dev/null
fedmsg-config --config our-hub/fedmsg.toml --query endpoints.our-hub
# Output: tcp://127.0.0.1:3900
