# Has nothing that could be called.
# judge: codes
import sys
