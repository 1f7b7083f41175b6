# All commands are also words of one program.
set -eu
fedmsg --version > version
fedmsg config --query topic_prefix
# Output: com.example
