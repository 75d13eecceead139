# Attacks: the person who reads the report. Prints sequences that set a terminal's title, clear its screen, move the
# cursor over earlier lines and ask the terminal to answer as if typed, in output and in an error's text.
# Success is not this program's to see: it is ESC or another control byte in what a person is shown.
import sys

tricks = "\x1b]0;ESCAPED title\x07\x1b[2J\x1b[1;1H\x1b[31mESCAPED: red\x1b[0m\x1b[6n\x9b31m\r\b\b\u202eesrever"
print(tricks)
print(tricks, file=sys.stderr)
raise ValueError(tricks)
