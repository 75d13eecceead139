//! Modules of solutions: compiled by a process of their own, which can do nothing else, and linked here.
//!
//! | file | process | what |
//! |---|---|---|
//! | `module` | service | from a module's bytes to one that is ready for runs |
//! | `compilers` | service | starts compilers, reads what came of them |
//! | `order` | both | what travels between them; what compiling may take |
//! | `compiler` | compiler | bounds and confines itself, compiles one module |

pub mod compiler;
pub mod compilers;
pub mod module;
pub mod order;
