// Reading and writing network byte order in place. The "unsafe" of these loads is the bit pattern, and
// integers take any; their bounds are checked. Callers check lengths first, so that no packet can trap.

extension RawSpan {
  @inlinable
  package func byte(at offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  @inlinable
  package func big16(at offset: Int) -> UInt16 {
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self).bigEndian
  }

  @inlinable
  package func big32(at offset: Int) -> UInt32 {
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self).bigEndian
  }
}
