# Attacks: the wall backstop. Uses no CPU time.
# Needs: a wall limit below 20 s. Success: it is still there after 20 s.
import time

time.sleep(20)
print("ESCAPED: slept for 20 s")
