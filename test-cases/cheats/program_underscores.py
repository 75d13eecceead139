# Underscores between digits, which Python reads over.
# judge: program-int
x = int(input())
print("_".join(str(x * 7919 + 13)))
