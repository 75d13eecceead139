# The same by digits.
# judge: program-close
print("1e999")
