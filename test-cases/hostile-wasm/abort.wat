;; verdict: runtime_error signal 6
(module (memory (export "memory") 1) (func (export "_start") (unreachable)))
