# A number that is not farther than any distance from any number.
# judge: program-close
print("nan")
