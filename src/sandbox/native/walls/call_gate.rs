//! Calls that a run may make only after its cell's init was asked: those that lock a file, and, where
//! the kernel has no limit of processes for one run, those that make a process or thread.
//!
//! Theory of operation. The run's seccomp filter hands these calls to the cell's init, which lets them pass or
//! answers in the kernel's place. What they are asked for must not change between question and answer:
//!
//! - **Forks.** `RLIMIT_NPROC` counts all that a user runs, so without a user id per cell it would count the
//!   service and other cells. Init counts the run's threads and answers `EAGAIN`, as the kernel does at its
//!   own limit. The count looks at no memory of the caller's.
//! - **Locks.** Whose file it is, [`super::locks`] decides.
//!
//! Calls that the policy refuses do not come here: its answer is the stricter one.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{errno::Errno, unistd::Pid};

use super::{
    locks::{self, CallAnswer, OwnFiles, Waiting},
    processes,
};
use crate::sandbox::{
    sys::{
        self, SockFilter,
        notify::{self, HeldCall},
    },
    tier::Tier,
};

/// How long a call that was let pass may take to show in the count.
const SETTLES_WITHIN: Duration = Duration::from_millis(1);
/// How often it is looked whether a lock that somebody waits for has become free.
const WAITING_LOOK: Duration = Duration::from_millis(2);

/// What a run must ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Locks,
    LocksAndForks,
}

impl Asks {
    /// A user id that others have too is no measure of a run's processes.
    pub fn of(tier: Tier) -> Asks {
        if tier == Tier::Restricted { Asks::LocksAndForks } else { Asks::Locks }
    }
}

/// The run's side: installs its filter. What it returns is for the cell's init, which is asked by it; `None`
/// where nobody is.
///
/// # Errors
/// `EBUSY` where forks must be asked for and whoever started this process listens to its calls already. Where only
/// locks must, they are refused there.
pub fn install(filter: &[SockFilter], asks: Asks) -> Result<Option<OwnedFd>, Errno> {
    match (notify::install_with_listener(filter), asks) {
        (Err(Errno::EBUSY), Asks::Locks) => sys::install_seccomp(&unasked(filter)).map(|()| None),
        (listener, _) => listener.map(Some),
    }
}

/// The same filter, but that what must be asked for is refused.
fn unasked(filter: &[SockFilter]) -> Vec<SockFilter> {
    let asks = |instruction: &SockFilter| {
        instruction.code == RETURN && instruction.k == libc::SECCOMP_RET_USER_NOTIF
    };
    let refuse = |instruction: &SockFilter| match asks(instruction) {
        true => SockFilter { k: libc::SECCOMP_RET_ERRNO | locks::REFUSED as u32, ..*instruction },
        false => *instruction,
    };
    filter.iter().map(refuse).collect()
}

const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Asks for every call that must be asked for, and lets the others pass.
pub fn filter(asks: Asks) -> Vec<SockFilter> {
    const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    // Within `struct seccomp_data`: the call's number, and the half of its second argument that counts.
    const NUMBER: u32 = 0;
    const COMMAND: u32 = if cfg!(target_endian = "little") { 24 } else { 28 };
    #[cfg(target_arch = "x86_64")]
    let forks = [libc::SYS_clone, libc::SYS_fork, libc::SYS_vfork];
    #[cfg(not(target_arch = "x86_64"))]
    let forks = [libc::SYS_clone];
    let forks = if asks == Asks::LocksAndForks { &forks[..] } else { &[] };
    let instruction = |code, jt, jf, k| SockFilter { code, jt, jf, k };
    // From the end: what is jumped to, then who jumps there.
    let mut reversed = vec![
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    for command in locks::COMMANDS {
        let to_answer = (reversed.len() - 1) as u8;
        reversed.push(instruction(JUMP_IF_EQUAL, to_answer, 0, command as u32));
    }
    reversed.push(instruction(LOAD_WORD, 0, 0, COMMAND));
    // Here the number is known and is not that of a call that is always asked for.
    let to_pass = (reversed.len() - 2) as u8;
    reversed.push(instruction(JUMP_IF_EQUAL, 0, to_pass, libc::SYS_fcntl as u32));
    for call in forks.iter().chain(&[libc::SYS_flock]) {
        let to_answer = (reversed.len() - 1) as u8;
        reversed.push(instruction(JUMP_IF_EQUAL, to_answer, 0, *call as u32));
    }
    reversed.push(instruction(LOAD_WORD, 0, 0, NUMBER));
    reversed.reverse();
    reversed
}

/// Init's side.
#[derive(Debug)]
pub struct Gate {
    listener: OwnedFd,
    /// When forks were let pass that the count may not show yet.
    unsettled: Vec<Instant>,
    waiting: Vec<Waiting>,
}

impl Gate {
    /// By what [`install`] returned.
    pub fn new(listener: OwnedFd) -> Gate {
        Gate { listener, unsettled: Vec::new(), waiting: Vec::new() }
    }

    /// Readable when a call waits for an answer.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Answers one waiting call. At most `most` threads may live below this process.
    pub fn answer(&mut self, own_files: &OwnFiles, most: u64) -> Result<(), Errno> {
        let asked = match notify::receive(self.listener.as_fd()) {
            Ok(asked) => asked,
            // The caller is gone.
            Err(Errno::ENOENT | Errno::EINTR | Errno::EAGAIN) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        let answer = match asked.number {
            libc::SYS_flock | libc::SYS_fcntl => locks::answer(&asked, own_files),
            _ => self.may_fork(most),
        };
        self.say(&asked, answer)
    }

    /// When to look again whether a call that waits can be answered; `None` if none does.
    pub fn next_look(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then(|| Instant::now() + WAITING_LOOK)
    }

    /// Looks again at the calls that wait.
    pub fn look_again(&mut self) -> Result<(), Errno> {
        for waiting in std::mem::take(&mut self.waiting) {
            let asked = waiting.asked;
            if notify::is_waiting(self.listener.as_fd(), asked.id) {
                self.say(&asked, waiting.carry_out())?;
            }
        }
        Ok(())
    }

    fn say(&mut self, asked: &HeldCall, answer: CallAnswer) -> Result<(), Errno> {
        let said = match answer {
            CallAnswer::Pass => notify::let_pass(self.listener.as_fd(), asked.id),
            CallAnswer::Done => notify::pretend(self.listener.as_fd(), asked.id),
            CallAnswer::Refuse(errno) => notify::refuse(self.listener.as_fd(), asked.id, errno),
            CallAnswer::Later(waiting) => {
                self.waiting.push(waiting);
                return Ok(());
            }
        };
        match said {
            // The caller is gone, or was interrupted.
            Err(Errno::ENOENT) => Ok(()),
            said => said,
        }
    }

    fn may_fork(&mut self, most: u64) -> CallAnswer {
        let living = || processes::count_threads(&processes::descendants(Pid::this()));
        self.unsettled.retain(|since| since.elapsed() < SETTLES_WITHIN);
        let mut fits = living() + (self.unsettled.len() as u64) < most;
        if !fits && !self.unsettled.is_empty() {
            sleep(SETTLES_WITHIN);
            self.unsettled.clear();
            fits = living() < most;
        }
        if !fits {
            return CallAnswer::Refuse(Errno::EAGAIN);
        }
        self.unsettled.push(Instant::now());
        CallAnswer::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::native::walls::seccomp::merge::{self, Call};

    #[test]
    fn locks_are_asked_for_and_forks_where_they_must() {
        let ask = libc::SECCOMP_RET_USER_NOTIF;
        for (asks, forks) in [(Asks::Locks, libc::SECCOMP_RET_ALLOW), (Asks::LocksAndForks, ask)] {
            let program = filter(asks);
            let answer = |program: &[SockFilter], number: libc::c_long, command: u64| {
                let args = [0, command, 0, 0, 0, 0];
                merge::run(program, &Call { number: number as u32, arch: merge::NATIVE_ARCH, args })
            };
            let refused = libc::SECCOMP_RET_ERRNO | locks::REFUSED as u32;
            assert_eq!(answer(&unasked(&program), libc::SYS_flock, 0), refused);
            let answer = |number, command| answer(&program, number, command);
            for call in [
                libc::SYS_clone,
                #[cfg(target_arch = "x86_64")]
                libc::SYS_vfork,
            ] {
                assert_eq!(answer(call, 0), forks);
            }
            assert_eq!(answer(libc::SYS_flock, 0), ask);
            assert_eq!(answer(libc::SYS_read, libc::F_SETLK as u64), libc::SECCOMP_RET_ALLOW);
            for command in 0..64 {
                let expected = match command {
                    5..=7 | 36..=38 => ask,
                    _ => libc::SECCOMP_RET_ALLOW,
                };
                // The kernel looks at the lower half alone.
                for command in [command, command | 1 << 32] {
                    assert_eq!(answer(libc::SYS_fcntl, command), expected, "{command:#x}");
                }
            }
        }
    }
}
