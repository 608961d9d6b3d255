#![deny(warnings)]

use otel_runtime::traced_span;

struct Tree {
    left: Option<Box<Tree>>,
    value: u32,
}

impl Tree {
    #[traced_span]
    fn deepest(&mut self) -> &mut Tree {
        match self.left {
            Some(ref mut left) => left.deepest(),
            None => self,
        }
    }

    #[traced_span]
    fn grown(&mut self, value: u32) -> Result<&mut u32, String> {
        if value == 0 {
            return Err("nothing grows".to_owned());
        }
        let left = Tree { left: None, value };
        Ok(&mut self.left.insert(Box::new(left)).value)
    }
}

#[traced_span]
#[expect(clippy::mut_mut)]
fn split<'a>(rows: &mut &'a mut [u32]) -> Option<&'a mut u32> {
    let (first, rest) = std::mem::take(rows).split_first_mut()?;
    *rows = rest;
    Some(first)
}

#[traced_span]
fn both<'a>(a: &'a mut u32, b: &'a mut u32) -> (&'a mut u32, &'a mut u32) {
    std::mem::swap(a, b);
    (a, b)
}

fn main() {
    let mut tree = Tree { left: None, value: 1 };
    *tree.grown(2).unwrap() += 1;
    tree.deepest().value += 1;
    assert_eq!((tree.value, tree.left.unwrap().value), (1, 4));
    let mut numbers = [1, 2];
    let mut rows = &mut numbers[..];
    let first = split(&mut rows).unwrap();
    *both(first, &mut rows[0]).0 += 5;
    assert_eq!(numbers, [7, 1]);
}
