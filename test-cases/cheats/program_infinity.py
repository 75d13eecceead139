# A number whose distance from any other, divided by itself, is no number.
# judge: program-close
print("inf")
