;; verdict: runtime_error signal 11
(module
  (memory (export "memory") 1)
  (func $f (param i64 i64) (result i64) (i64.add (local.get 0) (call $f (local.get 1) (local.get 0))))
  (func (export "_start") (drop (call $f (i64.const 1) (i64.const 2)))))
