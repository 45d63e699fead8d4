//! The packages that these files are compiled in know no serde.

use offspring::{Message, message, process};

#[message]
#[derive(Debug, Clone, PartialEq)]
enum Tree<T> {
    Leaf,
    Node { value: T, #[serde(rename = "c")] children: Vec<Tree<T>> },
}

#[process]
fn mirror<T: Message>(tree: Tree<T>) -> Tree<T> {
    match tree {
        Tree::Leaf => Tree::Leaf,
        Tree::Node { value, children } => {
            Tree::Node { value, children: children.into_iter().rev().map(mirror).collect() }
        }
    }
}

fn main() {
    let leaf = |value| Tree::Node { value, children: Vec::new() };
    let tree = Tree::Node { value: 1, children: vec![Tree::Leaf, leaf(3)] };
    let mirrored = mirror::spawn(tree).unwrap().join().unwrap();
    assert_eq!(mirrored, Tree::Node { value: 1, children: vec![leaf(3), Tree::Leaf] });
}
