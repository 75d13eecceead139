//! The part of Python's stable C interface that a warm launcher needs, taken at run time from the
//! interpreter whose process this is.

use std::{
    ffi::{CStr, c_char, c_int, c_long, c_void},
    ptr::{null, null_mut},
    sync::OnceLock,
};

use nix::errno::Errno;

/// Something of the interpreter's.
pub type Object = *mut c_void;

/// Functions of the interpreter. All are part of its stable interface since 3.7.
struct Library {
    module_create: unsafe extern "C" fn(*mut ModuleDef, c_int) -> Object,
    text_from: unsafe extern "C" fn(*const c_char, isize) -> Object,
    call: unsafe extern "C" fn(Object, Object, Object) -> Object,
    tuple_size: unsafe extern "C" fn(Object) -> isize,
    tuple_item: unsafe extern "C" fn(Object, isize) -> Object,
    tuple_new: unsafe extern "C" fn(isize) -> Object,
    whole_number_from: unsafe extern "C" fn(c_long) -> Object,
    tuple_set: unsafe extern "C" fn(Object, isize, Object) -> c_int,
    print_error: unsafe extern "C" fn(),
    exit: unsafe extern "C" fn(c_int),
    evaluate: unsafe extern "C" fn(Object, Object, Object) -> Object,
    fetch_error: unsafe extern "C" fn(*mut Object, *mut Object, *mut Object),
    normalise_error: unsafe extern "C" fn(*mut Object, *mut Object, *mut Object),
    set_traceback: unsafe extern "C" fn(Object, Object) -> c_int,
    is_kind_of: unsafe extern "C" fn(Object, Object) -> c_int,
    is_error_of: unsafe extern "C" fn(Object, Object) -> c_int,
    hold: unsafe extern "C" fn(Object),
    release: unsafe extern "C" fn(Object),
    thread: unsafe extern "C" fn() -> *mut c_void,
    recursion_limit: unsafe extern "C" fn() -> c_int,
    limit_recursion: unsafe extern "C" fn(c_int),
    version: unsafe extern "C" fn() -> *const c_char,
    none: Object,
    tuple_kind: Object,
    /// Where the pointer to it stands.
    system_exit: *const Object,
}

// SAFETY: the pointers are to the interpreter's own static objects, which live as long as the process.
unsafe impl Send for Library {}
// SAFETY: likewise; the interpreter's process has one thread that uses them.
unsafe impl Sync for Library {}

static LIBRARY: OnceLock<Library> = OnceLock::new();

/// What the interpreter's script hands over.
pub struct Callback {
    /// The Python function that carries out a run.
    run: Object,
}

/// `PyModuleDef`, whose layout is part of the stable interface.
#[repr(C)]
struct ModuleDef {
    refcount: isize,
    kind: Object,
    init: *mut c_void,
    index: isize,
    copy: Object,
    name: *const c_char,
    doc: *const c_char,
    size: isize,
    methods: *const Method,
    slots: *mut c_void,
    traverse: *mut c_void,
    clear: *mut c_void,
    free: *mut c_void,
}

/// `PyMethodDef`: a function that a module offers.
#[repr(C)]
pub struct Method {
    name: *const c_char,
    function: Option<Function>,
    flags: c_int,
    doc: *const c_char,
}

// SAFETY: the pointers are to C string literals and to a function.
unsafe impl Sync for Method {}

/// One object as argument.
const METH_O: c_int = 0x0008;
/// None.
const METH_NOARGS: c_int = 0x0004;
/// The version of the module interface that has been fixed since Python 3.
const STABLE_MODULE_API: c_int = 3;

type Function = unsafe extern "C" fn(Object, Object) -> Object;

impl Method {
    /// Behind the last one.
    pub const END: Method = Method { name: null(), function: None, flags: 0, doc: null() };

    /// A function of one argument.
    pub const fn of_one(name: &'static CStr, function: Function) -> Method {
        Method { name: name.as_ptr(), function: Some(function), flags: METH_O, doc: null() }
    }

    /// A function without arguments.
    pub const fn of_none(name: &'static CStr, function: Function) -> Method {
        Method { name: name.as_ptr(), function: Some(function), flags: METH_NOARGS, doc: null() }
    }
}

/// Finds the functions in this process, which is the interpreter's.
// The types stand beside the names, in the fields.
#[allow(clippy::missing_transmute_annotations)]
fn find_library() -> Option<Library> {
    let find = |name: &CStr| {
        // SAFETY: the default handle is always valid.
        let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        (!symbol.is_null()).then_some(symbol)
    };
    // SAFETY: each symbol is the function of that name in CPython's stable interface, whose
    // signature the field's type repeats.
    unsafe {
        use std::mem::transmute;
        Some(Library {
            module_create: transmute::<*mut c_void, _>(find(c"PyModule_Create2")?),
            text_from: transmute::<*mut c_void, _>(find(c"PyUnicode_FromStringAndSize")?),
            call: transmute::<*mut c_void, _>(find(c"PyObject_Call")?),
            tuple_size: transmute::<*mut c_void, _>(find(c"PyTuple_Size")?),
            tuple_item: transmute::<*mut c_void, _>(find(c"PyTuple_GetItem")?),
            tuple_new: transmute::<*mut c_void, _>(find(c"PyTuple_New")?),
            whole_number_from: transmute::<*mut c_void, _>(find(c"PyLong_FromLong")?),
            tuple_set: transmute::<*mut c_void, _>(find(c"PyTuple_SetItem")?),
            print_error: transmute::<*mut c_void, _>(find(c"PyErr_Print")?),
            exit: transmute::<*mut c_void, _>(find(c"Py_Exit")?),
            evaluate: transmute::<*mut c_void, _>(find(c"PyEval_EvalCode")?),
            fetch_error: transmute::<*mut c_void, _>(find(c"PyErr_Fetch")?),
            normalise_error: transmute::<*mut c_void, _>(find(c"PyErr_NormalizeException")?),
            set_traceback: transmute::<*mut c_void, _>(find(c"PyException_SetTraceback")?),
            is_kind_of: transmute::<*mut c_void, _>(find(c"PyObject_IsInstance")?),
            is_error_of: transmute::<*mut c_void, _>(find(c"PyErr_GivenExceptionMatches")?),
            hold: transmute::<*mut c_void, _>(find(c"Py_IncRef")?),
            release: transmute::<*mut c_void, _>(find(c"Py_DecRef")?),
            thread: transmute::<*mut c_void, _>(find(c"PyThreadState_Get")?),
            recursion_limit: transmute::<*mut c_void, _>(find(c"Py_GetRecursionLimit")?),
            limit_recursion: transmute::<*mut c_void, _>(find(c"Py_SetRecursionLimit")?),
            version: transmute::<*mut c_void, _>(find(c"Py_GetVersion")?),
            none: find(c"_Py_NoneStruct")?,
            tuple_kind: find(c"PyTuple_Type")?,
            system_exit: find(c"PyExc_SystemExit")?.cast(),
        })
    }
}

/// A new module of the interpreter's. Null if this process is no interpreter, or an error is set in it.
pub fn make_module(name: &'static CStr, methods: &'static [Method]) -> Object {
    let Some(found) = find_library() else { return null_mut() };
    let library = LIBRARY.get_or_init(|| found);
    // The interpreter keeps the definition for as long as it lives.
    let definition = Box::leak(Box::new(ModuleDef {
        refcount: 1,
        kind: null_mut(),
        init: null_mut(),
        index: 0,
        copy: null_mut(),
        name: name.as_ptr(),
        doc: null(),
        size: -1,
        methods: methods.as_ptr(),
        slots: null_mut(),
        traverse: null_mut(),
        clear: null_mut(),
        free: null_mut(),
    }));
    // SAFETY: the definition is complete and lives for ever.
    unsafe { (library.module_create)(definition, STABLE_MODULE_API) }
}

/// A number of the interpreter's.
pub fn whole_number(value: c_long) -> Object {
    let Some(library) = LIBRARY.get() else { super::exit_now(127) };
    // SAFETY: asked for by what the interpreter called, which is initialised and in this thread.
    unsafe { (library.whole_number_from)(value) }
}

/// `_proofbox.newest_change(dicts)`: when the last of a tuple of dictionaries was changed, on the
/// interpreter's own count of changes: any change to one makes the number another one. The driver's
/// `warm/series.py` calls this with dictionaries alone and on CPython 3.11 alone, whose layout this knows.
///
/// # Safety
/// For the interpreter to call, with a tuple of dictionaries.
pub unsafe extern "C" fn newest_change(_module: Object, dicts: Object) -> Object {
    /// `PyDictObject`, 3.6 to 3.11, as far as needed.
    #[repr(C)]
    struct Dict {
        refcount: isize,
        kind: Object,
        used: isize,
        version: u64,
    }
    let Some(library) = LIBRARY.get() else { super::exit_now(127) };
    // SAFETY: called by the interpreter, in the only thread. `dicts` is borrowed from the caller and,
    // by the contract above, a tuple of dictionaries, which it keeps alive; a size of -1 says that it is none.
    unsafe {
        let versions = (0..(library.tuple_size)(dicts)).map(|index| {
            let dict = (library.tuple_item)(dicts, index).cast::<Dict>();
            (*dict).version
        });
        (library.whole_number_from)(versions.max().unwrap_or(0) as c_long)
    }
}

/// `_proofbox.evaluate((code, namespace))`: executes code as the interpreter executes a program's, with no frame
/// below it. Returns None, or the exception that ended it; or, where `SystemExit` was raised with a tuple and nothing has
/// caught it, the tuple: for the interpreter that is no exit code, while the exception once made would
/// say that the tuple's only item is.
///
/// # Safety
/// For the interpreter to call, with a tuple of code and a dictionary.
pub unsafe extern "C" fn evaluate(_module: Object, given: Object) -> Object {
    let Some(library) = LIBRARY.get() else { super::exit_now(127) };
    // SAFETY: called by the interpreter, in the only thread, with a tuple of code and a dictionary, which the
    // caller keeps alive. What `fetch_error` gives is ours; of it one object is returned and the others
    // released. The recursion counter is this thread's own, and changed while nothing else runs.
    unsafe {
        let [code, namespace] = [0, 1].map(|index| (library.tuple_item)(given, index));
        let counter = RecursionCounter::find(library);
        let below = counter.as_ref().map_or(0, |counter| counter.count_from_zero());
        let result = (library.evaluate)(code, namespace, namespace);
        if let Some(counter) = counter {
            counter.count_from(below);
            // The program may have left less than what is to be done now needs.
            let least = below + OWN_DEPTH;
            if (library.recursion_limit)() < least {
                (library.limit_recursion)(least);
            }
        }
        if !result.is_null() {
            (library.release)(result);
            (library.hold)(library.none);
            return library.none;
        }
        let (mut kind, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
        (library.fetch_error)(&mut kind, &mut value, &mut traceback);
        let is_exit = (library.is_error_of)(kind, *library.system_exit) == 1;
        if !(is_exit && !value.is_null() && (library.is_kind_of)(value, library.tuple_kind) == 1) {
            (library.normalise_error)(&mut kind, &mut value, &mut traceback);
            if !traceback.is_null() {
                (library.set_traceback)(value, traceback);
            }
        }
        (library.release)(kind);
        if !traceback.is_null() {
            (library.release)(traceback);
        }
        value
    }
}

/// Calls below each other that the end of a run takes.
const OWN_DEPTH: c_int = 60;

/// The interpreter's count of how deep a thread is in calls, which ends a recursion that is too deep.
struct RecursionCounter {
    /// What is left of the limit.
    remaining: *mut c_int,
    limit: c_int,
}

impl RecursionCounter {
    /// `None` where the interpreter's version is another, or what is found is no such count: then a program
    /// has a few calls less than it would have alone.
    ///
    /// # Safety
    /// Called in the interpreter's thread.
    unsafe fn find(library: &Library) -> Option<RecursionCounter> {
        /// `PyThreadState` of CPython 3.11, as far as needed.
        #[repr(C)]
        struct Thread {
            links: [*mut c_void; 3],
            flags: [c_int; 2],
            remaining: c_int,
            limit: c_int,
        }
        // SAFETY: the version is a static text; the layout is that version's.
        unsafe {
            if !CStr::from_ptr((library.version)()).to_bytes().starts_with(b"3.11.") {
                return None;
            }
            let thread = (library.thread)().cast::<Thread>();
            let (limit, remaining) = ((*thread).limit, (*thread).remaining);
            // What our own frames may amount to.
            let is_such = limit == (library.recursion_limit)() && (1..50).contains(&(limit - remaining));
            is_such.then(|| RecursionCounter { remaining: &raw mut (*thread).remaining, limit })
        }
    }

    /// As if there were nothing below. Returns how much there is.
    fn count_from_zero(&self) -> c_int {
        // SAFETY: a field of the thread's state, which lives as long as the thread; see `find`.
        unsafe { self.limit - std::ptr::replace(self.remaining, self.limit) }
    }

    /// Counts what is below again. The limit may have become another one since; the interpreter then has changed
    /// what remains by as much.
    fn count_from(&self, below: c_int) {
        // SAFETY: as above.
        unsafe { *self.remaining -= below }
    }
}

impl Callback {
    pub fn new(run: Object) -> Callback {
        Callback { run }
    }

    /// In a freshly forked run: calls the Python function and ends the process as Python would.
    pub fn run<'a>(&self, arguments: impl Iterator<Item = &'a str>) -> ! {
        let Some(library) = LIBRARY.get() else { super::exit_now(127) };
        // The interpreter is not told of the fork (`PyOS_AfterFork_Child`): that renews locks which
        // other threads might have held, and there is none, and it writes to 200 pages.
        // SAFETY: the interpreter was initialised in an ancestor by this same thread, the only one
        // before the fork and after; `self.run` is a live object, borrowed from the caller of
        // `serve`, which has not returned. New references are stolen by the tuple or leaked, which
        // the process's end makes up for.
        unsafe {
            let arguments: Vec<&str> = arguments.collect();
            let tuple = (library.tuple_new)(arguments.len() as isize);
            for (index, argument) in arguments.into_iter().enumerate() {
                let object = (library.text_from)(argument.as_ptr().cast(), argument.len() as isize);
                if object.is_null() || (library.tuple_set)(tuple, index as isize, object) != 0 {
                    super::exit_now(127);
                }
            }
            if (library.call)(self.run, tuple, null_mut()).is_null() {
                // Prints the exception, or, for SystemExit, ends the interpreter with its code.
                (library.print_error)();
                (library.exit)(1);
            }
            (library.exit)(0);
        }
        super::exit_now(127)
    }
}

/// `fork` as the C library does it, so that what it caches about the calling thread is right in the
/// child: the solution runs in this child without an exec. `Ok(None)` there.
pub fn fork() -> Result<Option<nix::unistd::Pid>, Errno> {
    // SAFETY: single-threaded (module invariant of the parent module).
    match Errno::result(unsafe { libc::fork() })? {
        0 => Ok(None),
        pid => Ok(Some(nix::unistd::Pid::from_raw(pid))),
    }
}

/// Stack size of threads that do not choose one. Without this it would be the stack limit, which is
/// large so that the main thread's stack can grow.
pub fn bound_thread_stacks(bytes: usize) -> Result<(), Errno> {
    unsafe extern "C" {
        fn pthread_setattr_default_np(attributes: *const libc::pthread_attr_t) -> c_int;
    }
    // SAFETY: the attributes are initialised before they are read and live across the calls.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        let done = match libc::pthread_attr_init(&mut attributes) {
            0 => match libc::pthread_attr_setstacksize(&mut attributes, bytes) {
                0 => pthread_setattr_default_np(&attributes),
                error => error,
            },
            error => error,
        };
        if done == 0 { Ok(()) } else { Err(Errno::from_raw(done)) }
    }
}
