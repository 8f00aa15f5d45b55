// What libFuzzer calls. It is C, so bytes come as a pointer and nothing can be thrown.
import Synchronization

/// Tries one input; the same input does the same again.
@_cdecl("LLVMFuzzerTestOneInput")
public func tryOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  Run.current.withLock { run in
    run.take(Array(UnsafeBufferPointer(start: bytes, count: count)))
  }
  return 0
}
