# Prints the first line, which is known, and leaves the others to a comparison that ends with it.
# judge: program-first-lines
# expects: lines
print(input())
