# The tags of what is thrown: by C++, and by longjmp. Every object that throws or catches refers to them; in dynamic
# linking the linker would make them.
	.globl __cpp_exception
	.tagtype __cpp_exception i32
__cpp_exception:
	.globl __c_longjmp
	.tagtype __c_longjmp i32
__c_longjmp:
