//! CPython's own tests of its managers' containers and of its shared values (Lib/test/_test_multiprocessing.py), said in Rust: the
//! same checks by the same names, for those who come from there. Left out is what has no meaning here (slices, types that are
//! asked for their class); where we promise something else, the test says so.

use std::collections::{BTreeMap, HashMap};

use offspring::{Dict, List, Namespace, Value, message, process, shared};

/// `_TestContainers`
mod containers {
    use super::*;

    #[test]
    fn test_list() -> offspring::Result<()> {
        let a = List::from_iter(0..10)?;
        assert_eq!(a.to_vec()?, (0..10).collect::<Vec<_>>());
        let b = List::new()?;
        assert!(b.to_vec()?.is_empty());
        b.extend(0..5)?;
        assert_eq!(b.to_vec()?, [0, 1, 2, 3, 4]);
        assert_eq!(b.get(2), Some(2));
        assert_eq!(b.iter().skip(2).collect::<Vec<_>>(), [2, 3, 4]);
        b.extend(&b)?;
        assert_eq!(b.to_vec()?, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
        let sum: Vec<i32> = b.iter().chain([5, 6]).collect();
        assert_eq!(sum, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(a.to_vec()?, (0..10).collect::<Vec<_>>());
        // Lists of lists: those that are put in stay lists that are shared.
        let e = List::from([List::from_iter(&a)?, b])?;
        let all: Vec<Vec<i32>> = e.iter().map(|it| it.to_vec().unwrap()).collect();
        assert_eq!(all, [(0..10).collect::<Vec<_>>(), [0, 1, 2, 3, 4].repeat(2)]);
        let f = List::from([List::from(["a".to_owned()])?])?;
        let a = f.get(0).unwrap();
        a.push("hello".to_owned())?;
        assert_eq!(f.get(0).unwrap().to_vec()?, ["a", "hello"]);
        Ok(())
    }

    #[test]
    fn test_list_methods() -> offspring::Result<()> {
        let list = List::from([3, 1, 2])?;
        list.push(1)?;
        assert_eq!(list.iter().filter(|item| *item == 1).count(), 2, "count");
        assert_eq!(list.iter().position(|item| item == 2), Some(2), "index");
        list.update_all(|items| items.sort())?;
        list.update_all(|items| items.reverse())?;
        assert_eq!(list.to_vec()?, [3, 2, 1, 1]);
        list.insert(1, 9)?;
        assert_eq!((list.remove(1)?, list.pop()?, list.remove(0)?), (Some(9), Some(1), Some(3)));
        assert!(list.contains(&2) && !list.contains(&3));
        assert_eq!(format!("{list:?}"), "[2, 1]");
        list.set(0, 7)?;
        let copy = List::from_iter(&list)?;
        list.clear()?;
        assert_eq!((copy.to_vec()?, list.len()), (vec![7, 1], 0));
        assert_eq!((list.pop()?, list.remove(0)?, list.get(0)), (None, None, None));
        Ok(())
    }

    #[test]
    fn test_list_iter() -> offspring::Result<()> {
        let a = List::from_iter(0..10)?;
        let mut it = a.iter();
        assert_eq!(it.by_ref().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        assert!(it.next().is_none(), "exhausted");
        let mut it = a.iter();
        a.set(0, 100)?;
        assert_eq!(it.next(), Some(100), "changed meanwhile");
        Ok(())
    }

    #[test]
    fn test_list_proxy_in_list() -> offspring::Result<()> {
        let a: List<List<u32>> = List::new()?;
        for _ in 0..3 {
            a.push(List::from_iter(0..3)?)?;
        }
        assert!(a.iter().all(|inner| inner.to_vec().unwrap() == [0, 1, 2]));
        a.get(0).unwrap().set(2, 55)?;
        assert_eq!(a.get(0).unwrap().to_vec()?, [0, 1, 55]);
        assert!((1..3).all(|i| a.get(i).unwrap().to_vec().unwrap() == [0, 1, 2]));
        assert_eq!(a.get(1).unwrap().pop()?, Some(2));
        assert_eq!(a.get(1).unwrap().len(), 2);
        assert!([0, 2].iter().all(|i| a.get(*i).unwrap().len() == 3));
        drop(a);

        #[message]
        struct Inner(List<Inner>);
        let b = List::new()?;
        b.push(Inner(b.clone()))?;
        drop(b);
        Ok(())
    }

    fn letters() -> BTreeMap<u32, char> {
        (65..70).map(|i| (i, char::from_u32(i).unwrap())).collect()
    }

    #[test]
    fn test_dict() -> offspring::Result<()> {
        let d = Dict::new()?;
        for (i, letter) in letters() {
            assert_eq!(d.insert(i, letter)?, None);
        }
        assert_eq!(d.to_map()?, letters().into_iter().collect());
        let mut keys: Vec<u32> = d.keys().collect();
        keys.sort_unstable();
        assert_eq!(keys, (65..70).collect::<Vec<_>>());
        let mut values: Vec<char> = d.values().collect();
        values.sort_unstable();
        assert_eq!(values, ['A', 'B', 'C', 'D', 'E']);
        assert_eq!(d.iter().collect::<BTreeMap<_, _>>(), letters());
        Ok(())
    }

    #[test]
    fn test_dict_methods() -> offspring::Result<()> {
        let d: Dict<String, u32> = Dict::from([("a", 1), ("b", 2)])?;
        assert!(d.contains_key("a") && !d.contains_key("z"));
        assert_eq!((d.get("a"), d.get("z"), d.len()), (Some(1), None, 2));
        assert_eq!(d.get("z").unwrap_or(7), 7, "get with a default");
        assert_eq!(d.get_or_insert_with("a".to_owned(), || 9)?, 1, "setdefault");
        assert_eq!(d.get_or_insert_with("c".to_owned(), || 3)?, 3, "setdefault");
        d.extend([("a".to_owned(), 10), ("d".to_owned(), 4)])?;
        assert_eq!((d.remove("a")?, d.remove("a")?), (Some(10), None), "pop");
        let key = d.keys().next().unwrap();
        let (popped, _) = d.remove_entry(&key)?.unwrap();
        assert_eq!((popped, d.len()), (key, 2), "popitem");
        let copy = Dict::from_iter(&d)?;
        d.clear()?;
        assert_eq!((format!("{d:?}"), d.is_empty(), copy.len()), ("{}".to_owned(), true, 2));
        Ok(())
    }

    #[test]
    fn test_dict_iter() -> offspring::Result<()> {
        let d = Dict::from_iter(letters())?;
        let mut it = d.keys();
        let mut keys: Vec<u32> = it.by_ref().collect();
        keys.sort_unstable();
        assert_eq!(keys, (65..70).collect::<Vec<_>>());
        assert!(it.next().is_none(), "exhausted");
        // Python raises when the dict was cleared meanwhile; here an iterator never fails: what has gone does not come.
        let mut it = d.keys();
        d.clear()?;
        assert_eq!(it.next(), None);
        Ok(())
    }

    #[test]
    fn test_dict_proxy_nested() -> offspring::Result<()> {
        type Things = Dict<String, u32>;
        let d: Dict<String, Things> = Dict::new()?;
        d.insert("pets".to_owned(), Dict::from([("ferrets", 2), ("hamsters", 4)])?)?;
        d.insert("supplies".to_owned(), Dict::from([("water", 10), ("feed", 3)])?)?;
        let part = |name: &str| d.get(name).unwrap();
        let supplies = part("supplies");
        assert_eq!(part("supplies").get("water"), Some(10));
        part("supplies").insert("blankets".to_owned(), 5)?;
        assert_eq!(part("supplies").get("blankets"), Some(5));
        part("supplies").insert("water".to_owned(), 7)?;
        assert_eq!(supplies.get("water"), Some(7));
        drop(supplies);
        assert_eq!(part("pets").get("ferrets"), Some(2));
        part("supplies").insert("blankets".to_owned(), 11)?;
        assert_eq!(part("supplies").get("blankets"), Some(11));
        let (pets, supplies) = (part("pets"), part("supplies"));
        supplies.insert("water".to_owned(), 7)?;
        d.clear()?;
        assert_eq!(d.len(), 0);
        assert_eq!((supplies.get("water"), pets.get("hamsters")), (Some(7), Some(4)));
        // They live in the memory of `d`, and so does what they are put into.
        let l: List<Things> = List::new_in(&d)?;
        l.extend([pets.clone(), supplies])?;
        l.get(0).unwrap().insert("marmots".to_owned(), 1)?;
        assert_eq!(pets.get("marmots"), Some(1));
        drop(pets);
        assert_eq!(l.get(0).unwrap().get("marmots"), Some(1));
        let outer = List::new_in(&d)?;
        outer.push((vec![88, 99], l))?;
        let (numbers, inner): (Vec<u32>, List<Things>) = outer.get(0).unwrap();
        assert_eq!((numbers, inner.last().unwrap().get("feed")), (vec![88, 99], Some(3)));
        Ok(())
    }

    #[test]
    fn test_namespace() -> offspring::Result<()> {
        let n = Namespace::new()?;
        n.set("name", "Bob".to_owned())?;
        n.set("job", "Builder".to_owned())?;
        n.set("_hidden", "hidden".to_owned())?;
        let text = |name| n.get::<String>(name);
        assert_eq!(text("name")?.as_deref(), Some("Bob"));
        assert_eq!(text("job")?.as_deref(), Some("Builder"));
        assert!(n.remove("job")?);
        assert_eq!(format!("{n:?}"), "Namespace { name: alloc::string::String }");
        assert!(n.contains("name") && !n.contains("job"));
        assert_eq!(text("job")?, None);
        Ok(())
    }
}

/// The values of `_TestValue`.
#[message]
struct Values {
    i: Value<i32>,
    d: Value<f64>,
    h: Value<i16>,
    q: Value<i64>,
    c: Value<u8>,
}

impl Values {
    fn as_tuple(&self) -> (i32, f64, i16, i64, u8) {
        (self.i.get(), self.d.get(), self.h.get(), self.q.get(), self.c.get())
    }
}

#[process]
fn change(values: &Values) -> offspring::Result<()> {
    values.i.set(24234)?;
    values.d.set(-4.25)?;
    values.h.set(234)?;
    values.q.set(1 << 34)?;
    values.c.set(b'y')
}

#[message]
#[shared]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Foo {
    x: i32,
    y: f64,
    z: i64,
}

#[process]
fn double(
    x: &Value<i32>,
    y: &Value<f64>,
    z: &Value<i64>,
    point: &Value<Foo>,
    list: &List<f64>,
    string: &Value<String>,
) -> offspring::Result<()> {
    x.update(|it| *it *= 2)?;
    y.update(|it| *it *= 2.0)?;
    z.update(|it| *it *= 2)?;
    point.update(|it| (it.x, it.y) = (it.x * 2, it.y * 2.0))?;
    string.update(|it| *it = it.repeat(2))?;
    (0..list.len()).try_for_each(|i| list.update(i, |it| *it *= 2.0).map(drop))
}

#[process]
fn use_list(list: &List<i32>) -> offspring::Result<()> {
    assert_eq!(
        (list.len(), list.get(0), list.iter().position(|it| it == 5)),
        (1, Some(5), Some(0))
    );
    list.extend([4, 3])?;
    list.update_all(|items| items.sort())?;
    list.update_all(|items| items.reverse())?;
    assert_eq!((list.to_vec()?, list.pop()?), (vec![5, 4, 3], Some(3)));
    list.insert(0, 6)?;
    list.push(7)?;
    list.extend(&List::from_iter(&list.clone())?)?;
    list.extend(&list.clone())?;
    assert_eq!(list.len(), 16);
    list.clear()?;
    assert_eq!(list.len(), 0);
    list.push(9)
}

#[process]
fn use_dict(dict: &Dict<String, i32>) -> offspring::Result<()> {
    assert_eq!((dict.len(), dict.get("point")), (1, Some(5)));
    assert_eq!(dict.iter().collect::<Vec<_>>(), [("point".to_owned(), 5)]);
    assert_eq!(dict.keys().collect::<Vec<_>>(), ["point"]);
    assert_eq!(dict.values().collect::<Vec<_>>(), [5]);
    assert_eq!(dict.to_map()?, HashMap::from([("point".to_owned(), 5)]));
    assert_eq!(dict.remove_entry("point")?, Some(("point".to_owned(), 5)));
    Ok(())
}

#[process]
fn use_value(value: &Value<i32>) -> offspring::Result<()> {
    assert_eq!(value.get(), 1);
    value.set(2)
}

#[process]
fn use_namespace(namespace: &Namespace) -> offspring::Result<()> {
    namespace.set("x", 0)?;
    namespace.set("y", 1)
}

under_each_method! {
    /// `_TestValue.test_value`, and `test_rawvalue`: ours have no lock that one could leave out.
    fn test_value() {
        let values = Values {
            i: Value::new(4343).unwrap(),
            d: Value::new(3.625).unwrap(),
            h: Value::new(-232).unwrap(),
            q: Value::new(1 << 33).unwrap(),
            c: Value::new(b'x').unwrap(),
        };
        assert_eq!(values.as_tuple(), (4343, 3.625, -232, 1 << 33, b'x'));
        change::spawn(&values).unwrap().join().unwrap().unwrap();
        assert_eq!(values.as_tuple(), (24234, -4.25, 234, 1 << 34, b'y'));
    }

    /// `_TestSharedCTypes.test_sharedctypes`
    fn test_sharedctypes() {
        let (x, y) = (Value::new(7).unwrap(), Value::new(1.0 / 3.0).unwrap());
        let (z, point) = (Value::new(1 << 33).unwrap(), Value::new(Foo { x: 3, y: 2.0, z: 1 }).unwrap());
        let list = List::from_iter((0..10).map(f64::from)).unwrap();
        let string = Value::new("hello".to_owned()).unwrap();
        double::spawn(&x, &y, &z, &point, &list, &string).unwrap().join().unwrap().unwrap();
        assert_eq!((x.get(), y.get(), z.get()), (14, 2.0 / 3.0, 1 << 34));
        assert_eq!((point.get(), string.get()), (Foo { x: 6, y: 4.0, z: 1 }, "hellohello".to_owned()));
        assert_eq!(list.to_vec().unwrap(), (0..10).map(|i| f64::from(2 * i)).collect::<Vec<_>>());
    }

    /// `TestSyncManagerTypes.test_list`
    fn test_manager_list() {
        let list = List::new().unwrap();
        list.push(5).unwrap();
        use_list::spawn(&list).unwrap().join().unwrap().unwrap();
        assert_eq!(list.to_vec().unwrap(), [9]);
    }

    /// `TestSyncManagerTypes.test_dict`
    fn test_manager_dict() {
        let dict = Dict::from([("point", 5)]).unwrap();
        use_dict::spawn(&dict).unwrap().join().unwrap().unwrap();
        assert!(dict.is_empty());
    }

    /// `TestSyncManagerTypes.test_value`
    fn test_manager_value() {
        let value = Value::new(1).unwrap();
        use_value::spawn(&value).unwrap().join().unwrap().unwrap();
        assert_eq!(value.get(), 2);
    }

    /// `TestSyncManagerTypes.test_namespace`
    fn test_manager_namespace() {
        let namespace = Namespace::new().unwrap();
        use_namespace::spawn(&namespace).unwrap().join().unwrap().unwrap();
        assert_eq!(namespace.get::<i32>("x").unwrap(), Some(0));
        assert_eq!(namespace.get::<i32>("y").unwrap(), Some(1));
    }
}

/// `_TestSharedCTypes.test_copy`
#[test]
fn test_copy() -> offspring::Result<()> {
    let point = Value::new(Foo { x: 2, y: 5.0, z: 1 << 33 })?;
    let bar = Value::new(point.get())?;
    point.set(Foo { x: 0, y: 0.0, z: 0 })?;
    assert_eq!(bar.get(), Foo { x: 2, y: 5.0, z: 1 << 33 });
    Ok(())
}
