;; verdict: accepted contained
;; Makes files until it may not, each a megabyte.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 20)
  (data (i32.const 0) "\10\00\00\00\00\00\10\00")
  (data (i32.const 16) "contained")
  (data (i32.const 64) "tmp/aa")
  (func (export "_start")
    (local $n i32)
    (loop $again
      ;; Another name: two letters of 26 each.
      (i32.store8 (i32.const 68) (i32.add (i32.const 97) (i32.div_u (local.get $n) (i32.const 26))))
      (i32.store8 (i32.const 69) (i32.add (i32.const 97) (i32.rem_u (local.get $n) (i32.const 26))))
      (if (i32.eqz (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 6) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 32)))
        (then
          (if (i32.eqz (call $write (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8)))
            (then
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (if (i32.gt_u (local.get $n) (i32.const 600)) (then (unreachable)))
              (br $again))))))
    (i32.store (i32.const 4) (i32.const 9))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
