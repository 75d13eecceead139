//! The surroundings that a container has by default, without a container: what Docker's seccomp
//! profile refuses is refused, and capabilities are those that Docker leaves. (Its AppArmor profile
//! refuses mounts, which are refused here already.)
//!
//! A test that wants them is run a second time, by itself, in a process that has them: see
//! [`again_inside`] and [`enter`].

use std::{
    fs,
    os::unix::fs::chown,
    path::Path,
    process::{Command, Stdio},
};

use seccompiler::{BpfProgram, TargetArch, apply_filter_all_threads, compile_from_json};
use serde_json::{Value, json};

/// Who runs in the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Root, as without `--user`.
    Root,
    /// As with `--user 12345 --cap-drop ALL --security-opt no-new-privileges`.
    Ordinary,
}

/// The user id that stands for an ordinary user.
const ORDINARY: u32 = 12_345;
/// What Docker leaves to root.
const CAPABILITIES: &str = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,\
     +net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap";
const REFUSED: [&str; 46] = [
    "unshare",
    "setns",
    "mount",
    "umount2",
    "pivot_root",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "keyctl",
    "add_key",
    "request_key",
    "bpf",
    "perf_event_open",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "userfaultfd",
    "open_by_handle_at",
    "name_to_handle_at",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "syslog",
    "sethostname",
    "setdomainname",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "vhangup",
];
/// NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
const NAMESPACE_FLAGS: [u64; 7] =
    [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];

/// From here on this process has what a container has by default. Cannot be left.
pub fn enter() {
    let mut refused: Vec<Value> = REFUSED.iter().map(|name| json!({ "syscall": name })).collect();
    refused.extend(NAMESPACE_FLAGS.iter().map(|flag| {
        let argument = json!({ "index": 0, "type": "qword", "op": { "masked_eq": flag }, "val": flag });
        json!({ "syscall": "clone", "args": [argument] })
    }));
    for (errno, rules) in [(libc::EPERM, refused), (libc::ENOSYS, vec![json!({ "syscall": "clone3" })])] {
        apply_filter_all_threads(&filter(errno, rules)).unwrap();
    }
    let unshared = Command::new("/usr/bin/unshare").args(["--user", "true"]).stderr(Stdio::null()).status();
    assert!(
        !unshared.unwrap().success(),
        "a namespace could be made: the surroundings are not a container's"
    );
}

fn filter(errno: i32, rules: Vec<Value>) -> BpfProgram {
    let json = json!({ "container": { "default_action": "allow", "filter_action": { "errno": errno }, "filter": rules } });
    let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    compile_from_json(json.to_string().as_bytes(), arch).unwrap().remove("container").unwrap()
}

/// Runs an ignored test of this very program, which calls [`enter`], as `who`. Needs root; without
/// it says so and runs nothing. `module`: where the test stands, as `module_path!()` says it.
pub fn again_inside(module: &str, test: &str, who: Who) {
    let test = &super::test_name(module, test);
    if !nix::unistd::geteuid().is_root() {
        eprintln!("NOT TESTED: {test} as {who:?} in a plain container: only root can set one up");
        return;
    }
    let home = tempfile::Builder::new().prefix("proofbox-container").tempdir().unwrap();
    let own = |path: &Path| {
        if who == Who::Ordinary {
            chown(path, Some(ORDINARY), Some(ORDINARY)).unwrap();
        }
    };
    own(home.path());
    let copy = |from: &Path, name: &str| {
        let to = home.path().join(name);
        fs::copy(from, &to).unwrap();
        own(&to);
        to
    };
    let program = copy(super::PROGRAM.as_ref(), "proofbox");
    let itself = copy(&std::env::current_exe().unwrap(), "test");
    let mut command = Command::new("/usr/bin/setpriv");
    command.args(["--inh-caps=-all", "--ambient-caps=-all"]);
    match who {
        Who::Root => command.arg(format!("--bounding-set={CAPABILITIES}")),
        Who::Ordinary => command.arg("--bounding-set=-all").args([
            format!("--reuid={ORDINARY}"),
            format!("--regid={ORDINARY}"),
            "--clear-groups".to_owned(),
            "--no-new-privs".to_owned(),
        ]),
    };
    let output = command
        .arg(itself)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("TEST_PROGRAM", program)
        .env("TMPDIR", home.path())
        .env("HOME", home.path())
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{who:?}: {said}");
    println!("{who:?}: {said}");
}
