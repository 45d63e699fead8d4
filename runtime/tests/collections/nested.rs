//! Collections inside of collections: shared, kept as long as anything leads to them, and no longer.

use offspring::__private::audit::usage;
use offspring::{Dict, Error, List, Value, process};

#[test]
fn a_list_in_a_dict_stays_shared() -> offspring::Result<()> {
    let groups: Dict<String, List<u64>> = Dict::new()?;
    groups.insert("even".to_owned(), List::new()?)?;
    let even = groups.get("even").unwrap();
    even.push(2)?;
    groups.get("even").unwrap().push(4)?;
    assert_eq!(even.to_vec()?, [2, 4]);
    assert!(even.ptr_eq(&groups.get("even").unwrap()));
    Ok(())
}

#[process]
fn append(groups: &Dict<String, List<String>>, name: &str, word: &str) -> offspring::Result<()> {
    groups.get(name).expect("it is there").push(word.to_owned())
}

#[process]
fn append_to(list: &List<String>, word: &str) -> offspring::Result<()> {
    list.push(word.to_owned())
}

#[test]
fn children_share_what_is_inside() -> offspring::Result<()> {
    let groups: Dict<String, List<String>> = Dict::new()?;
    groups.insert("words".to_owned(), List::from(["to".to_owned()])?)?;
    append::spawn(&groups, "words", "be")?.join()??;
    let words = groups.get("words").unwrap();
    append_to::spawn(&words, "or")?.join()??;
    assert_eq!(words.to_vec()?, ["to", "be", "or"]);
    Ok(())
}

#[test]
fn what_is_taken_out_lives_on_with_its_handles() -> offspring::Result<()> {
    let groups: Dict<u32, List<u64>> = Dict::new()?;
    let empty = usage(&groups)?;
    groups.insert(1, List::from([1, 2, 3])?)?;
    let taken = groups.remove(&1)?.unwrap();
    assert_eq!(usage(&groups)?.orphans, 1);
    assert_eq!(taken.to_vec()?, [1, 2, 3]);
    let again = taken.clone();
    groups.insert(2, taken)?;
    assert_eq!(groups.get(&2).unwrap().to_vec()?, [1, 2, 3]);
    again.push(4)?;
    drop(again);
    assert_eq!(groups.remove(&2)?.unwrap().to_vec()?, [1, 2, 3, 4]);
    assert_eq!(usage(&groups)?.orphans, 0);
    groups.clear()?;
    assert_eq!(usage(&groups)?.blocks, empty.blocks);
    Ok(())
}

#[test]
fn trees_move_and_go_as_a_whole() -> offspring::Result<()> {
    let tree: List<List<List<String>>> = List::new()?;
    let empty = usage(&tree)?;
    let leaf = || List::from(["leaf".to_owned(), "another".to_owned()]);
    tree.push(List::from([leaf()?, leaf()?])?)?;
    tree.push(List::from([leaf()?])?)?;
    let words: Vec<String> = tree
        .iter()
        .flat_map(|it| it.to_vec().unwrap())
        .flat_map(|it| it.to_vec().unwrap())
        .collect();
    assert_eq!(words.len(), 6);
    let inner = tree.get(0).unwrap().get(1).unwrap();
    tree.clear()?;
    assert_eq!(inner.to_vec()?, ["leaf", "another"]);
    drop(inner);
    assert_eq!(usage(&tree)?, empty_with_memory(&tree, empty)?);
    Ok(())
}

/// The same blocks, and whatever memory there is now.
fn empty_with_memory(
    tree: &List<List<List<String>>>,
    empty: offspring::__private::audit::Usage,
) -> offspring::Result<offspring::__private::audit::Usage> {
    Ok(offspring::__private::audit::Usage { reserved: usage(tree)?.reserved, ..empty })
}

#[test]
fn what_others_have_handles_of_does_not_move() -> offspring::Result<()> {
    let groups: Dict<u32, List<u64>> = Dict::new()?;
    let list = List::new()?;
    let mine = list.clone();
    let error = groups.insert(1, list).unwrap_err();
    assert!(matches!(&error, Error::Encode { .. }), "{error}");
    assert!(error.to_string().contains("new_in"), "{error}");
    assert!(groups.is_empty());
    let inside = List::new_in(&groups)?;
    groups.insert(1, inside.clone())?;
    inside.push(7)?;
    assert_eq!(groups.get(&1).unwrap().get(0), Some(7));
    drop(mine);
    Ok(())
}

#[test]
fn a_list_that_holds_itself_can_be_dropped() -> offspring::Result<()> {
    #[derive(Clone)]
    #[offspring::message]
    struct Node(Option<List<Node>>);
    let list: List<Node> = List::new()?;
    list.push(Node(Some(list.clone())))?;
    assert!(list.get(0).unwrap().0.unwrap().ptr_eq(&list));
    Ok(())
}

#[test]
fn values_change_in_one_step_also_inside() -> offspring::Result<()> {
    let counters: Dict<String, Value<u64>> =
        Dict::from([("a", Value::new(0)?), ("b", Value::new(5)?)])?;
    counters.get("a").unwrap().update(|value| *value += 3)?;
    assert_eq!(counters.get("a").unwrap().get(), 3);
    assert_eq!(counters.get("b").unwrap().compare_exchange(&5, 6)?, Ok(5));
    assert_eq!(counters.get("b").unwrap().get(), 6);
    Ok(())
}
