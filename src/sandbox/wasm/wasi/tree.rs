//! The private file tree of a run: in memory, made for it and gone with it. No path in it leads to the
//! host.

use std::{collections::BTreeMap, sync::Arc};

use super::abi::Errno;

/// Most files and directories of a run.
const MAX_NODES: usize = 16_384;
/// Longest path, bytes.
const MAX_PATH_BYTES: usize = 4_096;
/// Longest name, bytes.
const MAX_NAME_BYTES: usize = 255;

/// Which file or directory; an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(usize);

impl Node {
    pub const ROOT: Node = Node(0);

    /// As an inode number; never 0.
    pub fn number(self) -> u64 {
        self.0 as u64 + 1
    }
}

#[derive(Debug)]
enum Entry {
    Directory(BTreeMap<String, Node>),
    /// The image's: shared by all runs and read-only.
    Shared(Arc<[u8]>),
    File(Vec<u8>),
}

/// Files and directories below one root.
#[derive(Debug)]
pub struct Tree {
    entries: Vec<Entry>,
    /// Content of the run's own files.
    bytes: u64,
    /// Most bytes of all the run's own files, and of each.
    max_bytes: u64,
}

/// What a path leads to.
pub struct Place<'p> {
    /// The directory that holds it.
    pub parent: Node,
    /// Its name there; empty if the path is a directory itself, such as `/`.
    pub name: &'p str,
    pub found: Option<Node>,
}

impl Tree {
    /// An empty root; the run's own files may have `max_bytes` in all.
    pub fn new(max_bytes: u64) -> Tree {
        Tree { entries: vec![Entry::Directory(BTreeMap::new())], bytes: 0, max_bytes }
    }

    /// Bytes that the run's own files have.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the directories of an absolute path.
    pub fn add_directories(&mut self, path: &str) -> Result<Node, Errno> {
        let mut node = Node::ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            node = match self.child(node, name)? {
                Some(child) => child,
                None => self.insert(node, name, Entry::Directory(BTreeMap::new()))?,
            };
        }
        Ok(node)
    }

    /// Puts a file of the image in; it counts against no limit.
    pub fn add_shared(&mut self, path: &str, content: Arc<[u8]>) -> Result<(), Errno> {
        let (directory, name) = path.rsplit_once('/').ok_or(Errno::Inval)?;
        let directory = self.add_directories(directory)?;
        self.insert(directory, name, Entry::Shared(content)).map(|_| ())
    }

    /// Finds what a path means from a directory. `..` does not lead out of the root.
    pub fn find<'p>(&self, from: Node, path: &'p str) -> Result<Place<'p>, Errno> {
        if path.is_empty() {
            return Err(Errno::NoEnt);
        }
        if path.len() > MAX_PATH_BYTES {
            return Err(Errno::NameTooLong);
        }
        let mut above: Vec<Node> = Vec::new();
        let mut node = if path.starts_with('/') { Node::ROOT } else { from };
        let mut names = path.split('/').filter(|name| !name.is_empty() && *name != ".").peekable();
        let must_be_directory = path.ends_with('/') || path.ends_with("/.");
        while let Some(name) = names.next() {
            if name == ".." {
                node = above.pop().unwrap_or(Node::ROOT);
                continue;
            }
            if name.len() > MAX_NAME_BYTES {
                return Err(Errno::NameTooLong);
            }
            let child = self.child(node, name)?;
            if names.peek().is_none() {
                if must_be_directory && child.is_some_and(|child| !self.is_directory(child)) {
                    return Err(Errno::NotDir);
                }
                return Ok(Place { parent: node, name, found: child });
            }
            above.push(node);
            node = child.ok_or(Errno::NoEnt)?;
        }
        if !self.is_directory(node) {
            return Err(Errno::NotDir);
        }
        Ok(Place { parent: node, name: "", found: Some(node) })
    }

    pub fn is_directory(&self, node: Node) -> bool {
        matches!(self.entries[node.0], Entry::Directory(_))
    }

    /// Whether the run may write to it.
    pub fn is_writable(&self, node: Node) -> bool {
        matches!(self.entries[node.0], Entry::File(_))
    }

    pub fn make_file(&mut self, parent: Node, name: &str) -> Result<Node, Errno> {
        self.insert(parent, name, Entry::File(Vec::new()))
    }

    pub fn make_directory(&mut self, parent: Node, name: &str) -> Result<Node, Errno> {
        self.insert(parent, name, Entry::Directory(BTreeMap::new()))
    }

    /// Content of a file; empty for a directory.
    pub fn content(&self, node: Node) -> &[u8] {
        match &self.entries[node.0] {
            Entry::Directory(_) => &[],
            Entry::Shared(content) => content,
            Entry::File(content) => content,
        }
    }

    /// Writes at an offset; what lies between the old end and the offset becomes zeros.
    pub fn write(&mut self, node: Node, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let end = offset.checked_add(bytes.len() as u64).ok_or(Errno::FBig)?;
        if end > self.size(node) {
            self.resize(node, end)?;
        }
        let Entry::File(content) = &mut self.entries[node.0] else { return Err(Errno::RoFs) };
        // `end` is at most the file's size, which fits.
        content[offset as usize..end as usize].copy_from_slice(bytes);
        Ok(())
    }

    pub fn resize(&mut self, node: Node, size: u64) -> Result<(), Errno> {
        let (bytes, max_bytes) = (self.bytes, self.max_bytes);
        let Entry::File(content) = &mut self.entries[node.0] else { return Err(Errno::RoFs) };
        if size > max_bytes {
            return Err(Errno::FBig);
        }
        let total = bytes - content.len() as u64 + size;
        if total > max_bytes {
            return Err(Errno::NoSpc);
        }
        content.resize(size as usize, 0);
        self.bytes = total;
        Ok(())
    }

    pub fn size(&self, node: Node) -> u64 {
        self.content(node).len() as u64
    }

    /// Names in a directory, in order, with what they name.
    pub fn list(&self, node: Node) -> Result<&BTreeMap<String, Node>, Errno> {
        match &self.entries[node.0] {
            Entry::Directory(names) => Ok(names),
            _ => Err(Errno::NotDir),
        }
    }

    /// Takes a name away. Its content stays for those who have it open, and counts no longer once the
    /// name is gone only if nobody can reach it: so it goes on counting until the run ends.
    pub fn remove(&mut self, place: &Place<'_>, directory: bool) -> Result<(), Errno> {
        let node = place.found.ok_or(Errno::NoEnt)?;
        if place.name.is_empty() {
            return Err(Errno::Inval);
        }
        match (&self.entries[node.0], directory) {
            (Entry::Directory(names), true) if !names.is_empty() => return Err(Errno::NotEmpty),
            (Entry::Directory(_), true) | (Entry::File(_), false) => {}
            (Entry::Directory(_), false) => return Err(Errno::IsDir),
            (_, true) => return Err(Errno::NotDir),
            (Entry::Shared(_), false) => return Err(Errno::RoFs),
        }
        self.names(place.parent)?.remove(place.name);
        Ok(())
    }

    /// Moves a name. A file in its new place is replaced.
    pub fn rename(&mut self, from: &Place<'_>, to: &Place<'_>) -> Result<(), Errno> {
        let node = from.found.ok_or(Errno::NoEnt)?;
        if from.name.is_empty() || to.name.is_empty() {
            return Err(Errno::Inval);
        }
        if matches!(self.entries[node.0], Entry::Shared(_)) {
            return Err(Errno::RoFs);
        }
        if to.found == Some(node) {
            return Ok(());
        }
        if self.is_directory(node) && self.holds(node, to.parent) {
            return Err(Errno::Inval);
        }
        if to.found.is_some() {
            self.remove(to, self.is_directory(node))?;
        }
        self.names(from.parent)?.remove(from.name);
        self.names(to.parent)?.insert(to.name.to_owned(), node);
        Ok(())
    }

    /// Whether a directory is, or is above, another.
    fn holds(&self, above: Node, below: Node) -> bool {
        above == below
            || self.list(above).is_ok_and(|names| {
                names.values().any(|child| self.is_directory(*child) && self.holds(*child, below))
            })
    }

    fn child(&self, directory: Node, name: &str) -> Result<Option<Node>, Errno> {
        Ok(self.list(directory)?.get(name).copied())
    }

    fn names(&mut self, directory: Node) -> Result<&mut BTreeMap<String, Node>, Errno> {
        match &mut self.entries[directory.0] {
            Entry::Directory(names) => Ok(names),
            _ => Err(Errno::NotDir),
        }
    }

    fn insert(&mut self, directory: Node, name: &str, entry: Entry) -> Result<Node, Errno> {
        if self.entries.len() >= MAX_NODES {
            return Err(Errno::NoSpc);
        }
        if name.is_empty() || name == ".." {
            return Err(Errno::Exist);
        }
        let node = Node(self.entries.len());
        let names = self.names(directory)?;
        if names.contains_key(name) {
            return Err(Errno::Exist);
        }
        names.insert(name.to_owned(), node);
        self.entries.push(entry);
        Ok(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tree: &Tree, path: &str) -> Result<Option<Node>, Errno> {
        tree.find(Node::ROOT, path).map(|place| place.found)
    }

    #[test]
    fn paths_stay_below_the_root() {
        let mut tree = Tree::new(100);
        let deep = tree.add_directories("/a/b").unwrap();
        for path in ["/a/b", "a/b", "/a/./b/", "/../a/../../a/b", "//a//b//."] {
            assert_eq!(found(&tree, path), Ok(Some(deep)), "{path}");
        }
        assert_eq!(found(&tree, "/.."), Ok(Some(Node::ROOT)));
        assert_eq!(found(&tree, "/a/c"), Ok(None));
        assert_eq!(found(&tree, "/x/c"), Err(Errno::NoEnt));
        assert_eq!(found(&tree, ""), Err(Errno::NoEnt));
    }

    #[test]
    fn files_are_bounded_one_by_one_and_in_all() {
        let mut tree = Tree::new(10);
        let one = tree.make_file(Node::ROOT, "one").unwrap();
        let two = tree.make_file(Node::ROOT, "two").unwrap();
        assert_eq!(tree.write(one, 4, b"abc"), Ok(()));
        assert_eq!(tree.content(one), b"\0\0\0\0abc");
        assert_eq!(tree.write(one, u64::MAX, b"a"), Err(Errno::FBig));
        assert_eq!(tree.write(one, 10, b"a"), Err(Errno::FBig));
        assert_eq!(tree.write(two, 0, b"abcd"), Err(Errno::NoSpc));
        assert_eq!(tree.write(two, 0, b"abc"), Ok(()));
        assert_eq!(tree.resize(one, 1), Ok(()));
        assert_eq!(tree.bytes(), 4);
    }

    #[test]
    fn the_images_files_cannot_be_changed() {
        let mut tree = Tree::new(100);
        tree.add_shared("/lib/x", Arc::from(&b"shared"[..])).unwrap();
        let node = found(&tree, "/lib/x").unwrap().unwrap();
        assert_eq!(tree.write(node, 0, b"a"), Err(Errno::RoFs));
        assert_eq!(tree.resize(node, 0), Err(Errno::RoFs));
        let place = tree.find(Node::ROOT, "/lib/x").unwrap();
        assert_eq!(tree.remove(&place, false), Err(Errno::RoFs));
        let (place, to) = (tree.find(Node::ROOT, "/lib/x").unwrap(), tree.find(Node::ROOT, "/y").unwrap());
        assert_eq!(tree.rename(&place, &to), Err(Errno::RoFs));
    }

    #[test]
    fn a_directory_does_not_move_into_itself() {
        let mut tree = Tree::new(100);
        tree.add_directories("/a/b").unwrap();
        let (from, to) = (tree.find(Node::ROOT, "/a").unwrap(), tree.find(Node::ROOT, "/a/b/c").unwrap());
        assert_eq!(tree.rename(&from, &to), Err(Errno::Inval));
        let (from, to) = (tree.find(Node::ROOT, "/a/b").unwrap(), tree.find(Node::ROOT, "/c").unwrap());
        assert_eq!(tree.rename(&from, &to), Ok(()));
        assert!(found(&tree, "/c").unwrap().is_some());
        let place = tree.find(Node::ROOT, "/a").unwrap();
        assert_eq!(tree.remove(&place, true), Ok(()));
    }
}
