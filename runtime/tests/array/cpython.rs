//! CPython's own tests of arrays and shared values (`_TestArray`, `_TestSharedCTypes`), under their names.

use offspring::{Array, process, shared};

/// The sums of all numbers so far.
#[process]
fn f(seq: &Array<i32>) {
    for i in 1..seq.len() {
        let before = seq.get(i - 1).unwrap();
        seq.update(i, |number| *number += before).unwrap();
    }
}

#[shared]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Foo {
    x: i32,
    y: f64,
    z: i64,
}

#[process]
fn double(
    x: &Array<i32>,
    y: &Array<f64>,
    z: &Array<i64>,
    point: &Array<Foo>,
    arr: &Array<f64>,
    string: &Array<u8>,
) {
    x.update(0, |x| *x *= 2).unwrap();
    y.update(0, |y| *y *= 2.0).unwrap();
    z.update(0, |z| *z *= 2).unwrap();
    point.update(0, |point| (point.x, point.y) = (point.x * 2, point.y * 2.0)).unwrap();
    (0..arr.len()).for_each(|i| _ = arr.update(i, |number| *number *= 2.0).unwrap());
    let text = string.to_vec().unwrap();
    let len = text.iter().position(|byte| *byte == 0).unwrap();
    string.write(len, &text[..len]).unwrap();
}

under_each_method! {
    fn test_array() {
        let seq = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];
        let arr = Array::from(seq).unwrap();
        assert_eq!(arr.len(), seq.len());
        assert_eq!(arr.get(3), Some(seq[3]));
        assert_eq!(arr.to_vec().unwrap()[2..7], seq[2..7]);
        let mut changed = seq;
        changed[4..8].copy_from_slice(&[1, 2, 3, 4]);
        arr.write(4, &[1, 2, 3, 4]).unwrap();
        assert_eq!(arr.to_vec().unwrap(), changed);
        let expected = Array::from(changed).unwrap();
        f(&expected);
        f::spawn(&arr).unwrap().join().unwrap();
        assert_eq!(arr.to_vec().unwrap(), expected.to_vec().unwrap());
        assert_eq!(arr.get(3), Some(680 + 626 + 934 + 821));
    }

    fn test_sharedctypes() {
        let x = Array::from([7]).unwrap();
        let y = Array::from([1.0 / 3.0]).unwrap();
        let z = Array::from([1 << 33]).unwrap();
        let point = Array::from([Foo { x: 3, y: 2.0, z: 1 << 33 }]).unwrap();
        let arr = Array::from_fn(10, |i| i as f64).unwrap();
        let string = Array::filled(0, 20).unwrap();
        string.write(0, b"hello").unwrap();
        double::spawn(&x, &y, &z, &point, &arr, &string).unwrap().join().unwrap();
        assert_eq!((x.get(0), y.get(0), z.get(0)), (Some(14), Some(2.0 / 3.0), Some(1 << 34)));
        assert_eq!(point.get(0), Some(Foo { x: 6, y: 4.0, z: 1 << 33 }));
        assert!(arr.iter().unwrap().enumerate().all(|(i, number)| number == 2.0 * i as f64));
        assert_eq!(&string.to_vec().unwrap()[..11], b"hellohello\0");
    }
}

#[test]
fn test_array_from_size() {
    const SIZE: usize = 10;
    // New memory is zero even after memory was used, and given back.
    for _ in 0..3 {
        let arr = Array::filled(0, SIZE).unwrap();
        assert_eq!(arr.len(), SIZE);
        assert_eq!(arr.to_vec().unwrap(), [0; SIZE]);
        arr.write(0, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
        assert!(arr.iter().unwrap().eq(0..10));
    }
}

#[test]
fn test_copy() {
    let point = Array::from([Foo { x: 2, y: 5.0, z: 1 << 33 }]).unwrap();
    let bar = Array::from_slice(&point.to_vec().unwrap()).unwrap();
    point.update(0, |point| *point = Foo { x: 0, y: 0.0, z: 0 }).unwrap();
    assert_eq!(bar.get(0), Some(Foo { x: 2, y: 5.0, z: 1 << 33 }));
}
