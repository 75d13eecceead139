//! The workloads that have a bare baseline.

use super::{bars::Bar, plan::Part};
use crate::{
    submission::{
        CodeKind, CodeTest, CodeTests, FunctionTarget, FunctionTest, ProgramTest, Solution, Submission, Tests,
    },
    value::Value,
};

/// One workload, as a submission and as what an unprotected harness would run.
pub struct Workload {
    pub part: Part,
    pub title: &'static str,
    /// Unit of the figures: a submission's verdict or a test.
    pub per: &'static str,
    /// Submissions in a round of the default length. About half a second of the baseline's time.
    pub submissions: usize,
    pub submission: Submission,
    pub bare: Bare,
    /// The ratio of CPU time to the baseline's that must be reached.
    pub bar: Option<Bar>,
    /// Module without which the workload cannot be run.
    pub needs: Option<&'static str>,
}

/// The baseline's form of a workload: `python3 FILE` once per test, without a sandbox.
pub struct Bare {
    pub program: String,
    /// Standard input, and what must be printed.
    pub runs: Vec<(Vec<u8>, String)>,
}

impl Workload {
    /// How many units of [`Workload::per`] a submission is.
    pub fn units(&self) -> usize {
        self.submission.tests.len()
    }
}

/// Every workload with a baseline, in order.
pub fn all() -> Vec<Workload> {
    vec![trivial(), many_tests(), function(), numpy(), compute(), with_a_set(), code_tests()]
}

const SUM: &str = "a, b = map(int, input().split())\nprint(a + b)\n";

/// W1. Load and scaling are measured with it, too.
pub fn trivial() -> Workload {
    Workload {
        part: Part::W1,
        title: "trivial stdin program, 1 test",
        submissions: 40,
        bar: Some(Bar::ratio("W1", 0.35, 0.20)),
        ..program_workload(SUM, vec![(b"17 25\n".to_vec(), "42\n".to_owned())])
    }
}

const LARGEST_AND_EVENS: &str = "\
import sys

def main():
    data = sys.stdin.read().split()
    n = int(data[0])
    numbers = [int(word) for word in data[1:n + 1]]
    print(max(numbers), sum(number for number in numbers if number % 2 == 0))
    print(*sorted(numbers)[:3])

main()
";

/// W2: small programs on small inputs, as data sets hold them.
pub fn many_tests() -> Workload {
    let tests = (0..50_i64).map(|test| {
        let numbers: Vec<i64> = (0..20).map(|at| (at * 37 + test * 101) % 199 - 60).collect();
        let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
        let evens: i64 = numbers.iter().filter(|number| *number % 2 == 0).sum();
        let largest = numbers.iter().max().expect("twenty numbers");
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        let expected = format!("{largest} {evens}\n{} {} {}\n", sorted[0], sorted[1], sorted[2]);
        (format!("{}\n{}\n", numbers.len(), words.join(" ")).into_bytes(), expected)
    });
    Workload {
        part: Part::W2,
        title: "one program, 50 tests",
        per: "test",
        submissions: 1,
        bar: Some(Bar::ratio("W2", 0.20, 0.05)),
        ..program_workload(LARGEST_AND_EVENS, tests.collect())
    }
}

const LARGEST_RUN: &str = "\
from typing import List

class Solution:
    def maxSubArray(self, nums: List[int]) -> int:
        best = here = nums[0]
        for number in nums[1:]:
            here = max(number, here + number)
            best = max(best, here)
        return best
";

/// How a harness without a sandbox calls the function: arguments and result as JSON.
const CALL_WITH_JSON: &str = "
import json, sys
print(json.dumps(Solution().maxSubArray(*json.load(sys.stdin))))
";

/// W3: the shape of LeetCode problems.
fn function() -> Workload {
    let lists: Vec<Vec<i64>> =
        (0..10_i64).map(|test| (0..30).map(|at| (at * 53 + test * 17) % 41 - 22).collect()).collect();
    let tests = lists.iter().map(|list| {
        let items = list.iter().copied().map(Value::Int).collect();
        FunctionTest::new(vec![Value::List(items)], Vec::new(), &[Value::Int(largest_run(list))])
    });
    let tests =
        Tests::Function { target: FunctionTarget { name: "maxSubArray".to_owned() }, tests: tests.collect() };
    let runs = lists.iter().map(|list| {
        let input = serde_json::json!([list]).to_string();
        (input.into_bytes(), format!("{}\n", largest_run(list)))
    });
    Workload {
        part: Part::W3,
        title: "function call, 10 tests",
        per: "test",
        submissions: 4,
        submission: submission(LARGEST_RUN, tests),
        bare: Bare { program: format!("{LARGEST_RUN}{CALL_WITH_JSON}"), runs: runs.collect() },
        bar: None,
        needs: None,
    }
}

/// The largest sum of neighbouring items, found another way than the solution does.
fn largest_run(list: &[i64]) -> i64 {
    let starts = 0..list.len();
    let sums = starts.flat_map(|start| {
        list[start..].iter().scan(0, |sum, item| {
            *sum += item;
            Some(*sum)
        })
    });
    sums.max().expect("the list is not empty")
}

const NUMPY: &str = "\
import numpy as np
n = int(input())
squares = np.arange(n, dtype=np.int64) ** 2
print(int(squares.sum()), int(np.median(squares)))
";

/// W4.
fn numpy() -> Workload {
    // The sum of the squares below 1001, and the square in the middle.
    let tests = vec![(b"1001\n".to_vec(), "333833500 250000\n".to_owned())];
    Workload {
        part: Part::W4,
        title: "import numpy, 1 test",
        submissions: 4,
        bar: Some(Bar::ratio("W4", 0.10, 0.05)),
        needs: Some("numpy"),
        ..program_workload(NUMPY, tests)
    }
}

const RANDOM_WALK: &str = "\
def main():
    steps = int(input())
    state = 12345
    place = 0
    for _ in range(steps):
        state = (state * 1103515245 + 12345) % 2147483648
        if state & 65536:
            place += 1
        else:
            place -= 1
    print(state, place)

main()
";
/// About 200 ms.
const STEPS: u32 = 1_500_000;

/// W6: shows what the sandbox costs code that computes: it should be nothing.
fn compute() -> Workload {
    let (mut state, mut place) = (12_345_u64, 0_i64);
    for _ in 0..STEPS {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        place += if state & 65_536 == 0 { -1 } else { 1 };
    }
    let tests = vec![(format!("{STEPS}\n").into_bytes(), format!("{state} {place}\n"))];
    Workload {
        part: Part::W6,
        title: "compute-bound program, 1 test",
        submissions: 3,
        ..program_workload(RANDOM_WALK, tests)
    }
}

/// W7: W1 with a set in it, for which it is run twice, with two seeds of string hashes.
fn with_a_set() -> Workload {
    let source = "print(sum(set(map(int, input().split()))))\n";
    Workload {
        part: Part::W7,
        title: "trivial program with a set, 1 test",
        submissions: 40,
        ..program_workload(source, vec![(b"17 25 17\n".to_vec(), "42\n".to_owned())])
    }
}

const BELOW_ZERO: &str = "\
from typing import List


def below_zero(operations: List[int]) -> bool:
    \"\"\" Deposits and withdrawals on an account that begins with zero: whether its balance is ever below.
    >>> below_zero([1, 2, -4, 5])
    True
    \"\"\"
    balance = 0
    for operation in operations:
        balance += operation
        if balance < 0:
            return True
    return False
";

const CHECK_BELOW_ZERO: &str = "\
METADATA = {'author': 'proofbox'}


def check(candidate):
    assert candidate([]) == False
    assert candidate([1, 2, -3, 1, 2, -3]) == False
    assert candidate([1, 2, -4, 5, 6]) == True
    assert candidate([1, -1, 2, -2, 5, -5, 4, -4]) == False
    assert candidate([1, -1, 2, -2, 5, -5, 4, -5]) == True
    assert candidate([1, -2, 2, -2, 5, -5, 4, -4]) == True


check(below_zero)
";

/// W8: a function and tests that hold code, as HumanEval has them: two cells in conversation.
fn code_tests() -> Workload {
    let test = CodeTest { kind: CodeKind::Assert, code: CHECK_BELOW_ZERO.to_owned() };
    let tests = CodeTests { tests: vec![test], ..CodeTests::default() };
    Workload {
        part: Part::W8,
        title: "function with 6 assertions in another cell",
        submissions: 40,
        submission: submission(BELOW_ZERO, Tests::Code(tests)),
        bar: Some(Bar::ratio("W8", 0.60, 0.40)),
        ..program_workload(&format!("{BELOW_ZERO}\n\n{CHECK_BELOW_ZERO}"), vec![(Vec::new(), String::new())])
    }
}

/// A program whose tests are (standard input, expected output). To be given its own name and size.
fn program_workload(source: &str, tests: Vec<(Vec<u8>, String)>) -> Workload {
    let program_tests = tests.iter().map(|(stdin, expected)| ProgramTest {
        stdin: stdin.as_slice().into(),
        accepted_stdout: vec![expected.clone().into_bytes()],
        files: Vec::new(),
    });
    Workload {
        part: Part::W1,
        title: "",
        per: "verdict",
        submissions: 1,
        submission: submission(source, Tests::Program(program_tests.collect())),
        bare: Bare { program: source.to_owned(), runs: tests },
        bar: None,
        needs: None,
    }
}

fn submission(source: &str, tests: Tests) -> Submission {
    Submission::new("python", Solution::single("main.py", source), tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_do_the_same_tests() {
        for workload in all() {
            assert_eq!(workload.units(), workload.bare.runs.len(), "{}", workload.title);
            assert!(workload.submissions > 0);
        }
        assert_eq!(largest_run(&[-2, 1, -3, 4, -1, 2, 1, -5, 4]), 6);
        assert_eq!(largest_run(&[-3, -1, -2]), -1);
    }
}
