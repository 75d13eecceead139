//! Images: built from what their manifests name and nothing else, and executed only as this program wrote them.

use std::fs;

use proofbox::{
    config::{EngineConfig, default_wasm_directory},
    images::build,
    language::wasm::WasmLanguages,
    sandbox::wasm::Metering,
    submission::Runtime,
    verdict::{Cause, Verdict},
    verify::Engine,
};

use tempfile::tempdir;

use super::{
    python_image,
    support::{PROGRAM, program},
    verify,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_built_is_said_to_be_missing() {
    let empty = tempdir().unwrap();
    let wasm_dir = empty.path().to_owned();
    let config = EngineConfig { runtime: Runtime::Wasm, wasm_dir, ..EngineConfig::for_testing(1) };
    let report = verify(&Engine::start(&config).unwrap(), program("print(1)", &[("", "1")])).await;
    assert_eq!((report.verdict, report.cause), (Verdict::Undecided, Some(Cause::Unsupported)));
    assert!(report.reason.unwrap().contains("proofbox image build wasm-python"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_somebody_changed_is_not_executed() {
    if !python_image() {
        return;
    }
    let copy = tempdir().unwrap();
    let built = fs::read_dir(default_wasm_directory()).unwrap().map(|entry| entry.unwrap().path());
    for image in built.filter(|path| path.join("module.cwasm").exists()) {
        let to = copy.path().join(image.file_name().unwrap());
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(&image).unwrap() {
            let file = file.unwrap();
            let (from, to) = (file.path(), to.join(file.file_name()));
            // Native code is replaced: one byte of it is another.
            match file.file_name() == "module.cwasm" {
                true => {
                    let mut code = fs::read(from).unwrap();
                    let middle = code.len() / 2;
                    code[middle] ^= 1;
                    fs::write(to, code).unwrap();
                }
                false => drop(fs::copy(from, to).unwrap()),
            }
        }
    }
    let wasm_dir = copy.path().to_owned();
    let config = EngineConfig { runtime: Runtime::Wasm, wasm_dir, ..EngineConfig::for_testing(1) };
    let report = verify(&Engine::start(&config).unwrap(), program("print(1)", &[("", "1")])).await;
    assert_eq!(report.cause, Some(Cause::SandboxFault), "{report:?}");
    assert!(report.reason.unwrap().contains("is not what this program wrote"));
}

/// The way of a user: one command that fetches, checks and builds. Here it ends where the package is not what the
/// manifest names, which is after all of it has been fetched or read.
#[test]
fn a_package_that_is_not_the_one_named_is_not_used() {
    let (images, cache, packages) = (temp(), temp(), temp());
    let shipped = include_str!("../../../sandbox-images/wasm-python/image.toml");
    fs::create_dir(images.path().join("wasm-python")).unwrap();
    fs::write(images.path().join("wasm-python/image.toml"), shipped).unwrap();
    let manifest: toml::Table = shipped.parse().unwrap();
    let file = manifest["package"]["file"].as_str().unwrap();
    fs::write(packages.path().join(file), b"PK: something else").unwrap();
    let build = |more: &[&str]| {
        std::process::Command::new(PROGRAM)
            .args(["image", "build", "wasm-python", "--images-dir"])
            .arg(images.path())
            .arg("--wasm-dir")
            .arg(cache.path())
            .args(more)
            .env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
            .output()
            .unwrap()
    };
    let from = packages.path().to_str().unwrap();
    let refused = build(&["--from", from]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("SHA-256"), "{said}");
    // A registry that does not answer is another matter, and the remedy is named.
    let refused = build(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("--from DIR"), "{said}");
    let left: Vec<_> = fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| path.extension().is_some_and(|end| end == "lock")), "{left:?}");
}

/// A built image is found by what it was made of: a manifest that names anything else has none.
#[test]
fn another_manifest_is_another_image() {
    if !python_image() {
        return;
    }
    let images = temp();
    let shipped = include_str!("../../../sandbox-images/wasm-python/image.toml");
    fs::create_dir(images.path().join("wasm-python")).unwrap();
    let is_built = |text: &str| {
        fs::write(images.path().join("wasm-python/image.toml"), text).unwrap();
        let languages = WasmLanguages::new(Some(images.path()), default_wasm_directory()).unwrap();
        let sandbox = languages.sandbox();
        sandbox.is_built(&sandbox.manifests()[0], Metering::Clock)
    };
    assert!(is_built(shipped));
    assert!(!is_built(&shipped.replace("\"bisect\", ", "")));
    let digest = shipped.split("sha256 = \"").nth(1).unwrap();
    assert!(!is_built(&shipped.replace(&digest[..4], "0000")));
    // What is there is not built again.
    let languages = WasmLanguages::new(None, default_wasm_directory()).unwrap();
    let silent = |doing: &str| panic!("{doing}");
    let places = build(&languages, "wasm-python", &[Metering::Clock], None, &silent).unwrap();
    assert!(places[0].join("record.toml").exists());
}

/// Nothing is removed but what this program wrote and does not use.
#[test]
fn old_images_are_pruned_and_nothing_else() {
    let cache = temp();
    let old = format!("wasm-python-clock-{}", "0123456789abcdef01234567");
    let write = |name: &str, files: &[(&str, &str)]| {
        let directory = cache.path().join(name);
        fs::create_dir(&directory).unwrap();
        for (file, text) in files {
            fs::write(directory.join(file), text).unwrap();
        }
    };
    let record = "base_bytes = 1\n[digests]\n\"module.cwasm\" = \"x\"\nfile-0 = \"y\"\n[files]\n";
    let image = [("record.toml", record), ("module.cwasm", "code"), ("file-0", "a")];
    // The current image, by its name.
    let languages = WasmLanguages::new(None, cache.path().to_owned()).unwrap();
    let sandbox = languages.sandbox();
    let current = sandbox.place(&sandbox.manifests()[0], Metering::Clock).unwrap();
    write(current.file_name().unwrap().to_str().unwrap(), &image);
    write(&old, &image);
    // What a removal left that was killed.
    write(".removing-wasm-javascript-fuel-000000000000000000000000", &image[..1]);
    let others = [
        format!("wasm-python-clock-{}", "1".repeat(24)),
        format!("wasm-python-clock-{}", "2".repeat(24)),
        format!("wasm-python-clock-{}", "3".repeat(24)),
    ];
    write(&others[0], &[("record.toml", record), ("module.cwasm", "code"), ("notes.txt", "mine")]);
    write(&others[1], &[("module.cwasm", "code")]);
    std::os::unix::fs::symlink(cache.path().join(&others[0]), cache.path().join(&others[2])).unwrap();
    // Toolchains: files in directories, each with its digest in the record.
    let a = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    let record = format!("place = \"/\"\n[digests]\n\"zig\" = \"{a}\"\n\"include/own/x.h\" = \"{a}\"\n");
    let toolchains = ["5", "6"].map(|digit| format!("wasm-c-{}", digit.repeat(24)));
    for name in &toolchains {
        write(name, &[("record.toml", &record), ("zig", "a")]);
        fs::create_dir_all(cache.path().join(name).join("include/own")).unwrap();
        fs::write(cache.path().join(name).join("include/own/x.h"), "a").unwrap();
    }
    fs::write(cache.path().join(&toolchains[1]).join("include/own/notes.h"), "mine").unwrap();
    write(".removing-wasm-c-777777777777777777777777", &[("zig", "a")]);
    // Of no manifest that is known, or not named as images are.
    write("wasm-other-clock-0123456789abcdef01234567", &image);
    write("wasm-python-clock-short", &image);
    let prune = |more: &[&str]| {
        let mut command = std::process::Command::new(PROGRAM);
        command.args(["image", "prune", "--wasm-dir"]).arg(cache.path()).args(more);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let names = || {
        let entries = fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.sort();
        names
    };
    let before = names();
    let said = prune(&["--dry-run"]);
    assert!(said.contains(&format!("{old} (0.0 MiB)")) && said.contains("would free"), "{said}");
    assert_eq!(names(), before);
    let said = prune(&[]);
    assert_eq!(said.matches("removed").count(), 4, "{said}");
    assert!(
        others
            .iter()
            .chain([&toolchains[1]])
            .all(|name| said.lines().any(|line| line.starts_with("left") && line.contains(name))),
        "{said}"
    );
    let kept: Vec<String> = before
        .into_iter()
        .filter(|name| ![&old, &toolchains[0]].contains(&name) && !name.starts_with(".removing-"))
        .collect();
    assert_eq!(names(), kept);
    assert!(cache.path().join(&others[0]).join("notes.txt").exists());
    assert!(prune(&[]).contains("freed 0.0 MiB"));
}

fn temp() -> tempfile::TempDir {
    tempdir().unwrap()
}
