# Digits of another script, which Python reads as a number.
# judge: program-int
x = int(input())
print("".join(chr(0x660 + int(digit)) for digit in str(x * 7919 + 13)))
