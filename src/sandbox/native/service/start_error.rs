//! Why a host is refused, and what to do about it.

use std::io;

use crate::sandbox::{job::Fault, tier::Tier};

/// The sandbox could not be started: this host cannot give every guarantee.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot start the launcher {launcher}: {source}")]
    Spawn { launcher: String, source: io::Error },
    #[error("the launcher {launcher} cannot make cells: {fault}\n{}", remedy(&.fault.step))]
    Refused { launcher: String, fault: Fault },
    #[error("no tier of isolation can be given here{}{}", nothing_tried(refusals), refusals.iter().map(ToString::to_string).collect::<String>())]
    NoTier { refusals: Vec<Refusal> },
}

/// A tier that this host cannot give, and why.
#[derive(Debug, thiserror::Error)]
#[error("\n{}: {source}", tier.as_str())]
pub struct Refusal {
    pub tier: Tier,
    pub source: Box<StartError>,
}

fn nothing_tried(refusals: &[Refusal]) -> &'static str {
    match refusals.is_empty() {
        true => ": the tier asked for is weaker than the weakest to accept (--min-tier)",
        false => "",
    }
}

/// What to do about a set-up step that this host refuses.
fn remedy(step: &str) -> &'static str {
    match step {
        "clone_launcher" | "unshare_user" | "clone_cell" | "map_uids" | "map_gids" => {
            "remedy: namespaces are refused here. As an ordinary user: sysctl -w \
             kernel.unprivileged_userns_clone=1 (Debian), sysctl -w \
             kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), and user.max_user_namespaces above 0. \
             In a container: allow unshare and mount in its seccomp profile, or run on the host"
        }
        "mount_root" | "bind_image" | "seal_image" | "mount_launcher_proc" | "pivot_root" | "mount_proc" => {
            "remedy: mounting is refused here. In a container: allow mount in its seccomp and AppArmor \
             profiles and unmask /proc; kernel 5.12 or newer is needed"
        }
        "find_landlock" | "find_landlock_scopes" => {
            "remedy: Linux 6.12 or newer, with Landlock among its security modules (/sys/kernel/security/lsm) \
             and allowed by the container's seccomp profile (Docker 24 or newer)"
        }
        "find_scratch_place" | "make_scratch_place" => {
            "remedy: give cells a writable directory with 32 MiB free for each slot: docker run --tmpfs /tmp or \
             --shm-size 256m, or name one with --scratch-dir"
        }
        "become_slot_id"
        | "leave_groups"
        | "give_slot_directory"
        | "signal_cell"
        | "use_scratch"
        | "find_slot_ids"
        | "drop_bounding_set" => {
            "remedy: as root cells need the capabilities CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETPCAP and SETUID, \
             which Docker gives by default; or start proofbox as an ordinary user"
        }
        "place_descriptors" => "remedy: raise the hard limit of open files above 512 (ulimit -Hn)",
        "install_seccomp" => {
            "remedy: whoever started this container listens to its system calls already, and a process can \
             have one listener only; start proofbox as root of the container"
        }
        "open_granted_path" => {
            "remedy: the interpreter, or something that it needs, is in a directory that the cells' user \
             cannot enter; name another with --python"
        }
        "fit_tier_to_user" => "remedy: the tier slot is for root, the tier restricted for everybody else",
        "find_children_lists" => "remedy: a kernel built with CONFIG_PROC_CHILDREN, and /proc mounted",
        _ => "run `proofbox doctor` for what this host offers",
    }
}
