/// Writes values as bytes, big-endian, for the journal; read back by ``ByteReader``.
///
/// Public, as ``ByteRange`` is: only then are its generic functions specialised in other modules.
///
/// It owns its memory alone: to append to an array, which asks each time whether it is shared and long enough, costs more
/// than the few bytes of a number.
@safe public struct ByteWriter: ~Copyable {
  /// What is written, and room behind it: eight bytes at least.
  @usableFromInline var room: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  @usableFromInline var used = 0

  package var count: Int { used }

  /// - Parameter capacity: Bytes expected, so that the room need not grow.
  package init(capacity: Int = 256) {
    self.capacity = capacity + 8
    unsafe room = .allocate(byteCount: capacity + 8, alignment: 8)
  }

  deinit { unsafe room.deallocate() }

  /// Everything that was written.
  package var bytes: [UInt8] { unsafe Array(UnsafeRawBufferPointer(start: room, count: used)) }

  /// A number in as many bytes as its type has.
  @inlinable
  public mutating func write<Number: FixedWidthInteger>(_ value: Number) {
    precondition(Number.bitWidth <= 64)
    let bits = UInt64(truncatingIfNeeded: value) &<< UInt64(64 - Number.bitWidth)
    store(bits, byteCount: Number.bitWidth / 8)
  }

  /// The lowest bytes of `bits`, highest of them first.
  public mutating func append(_ bits: UInt64, byteCount: Int) {
    invariant((1...8).contains(byteCount), "a number of \(byteCount) bytes")
    store(bits &<< UInt64(8 * (8 - byteCount)), byteCount: byteCount)
  }

  /// The highest bytes of `bits`.
  @inlinable
  @inline(__always)
  mutating func store(_ bits: UInt64, byteCount: Int) {
    let start = extend(by: byteCount)
    // Written as eight bytes, of which the next write covers those that are too many.
    unsafe room.storeBytes(of: bits.bigEndian, toByteOffset: start, as: UInt64.self)
  }

  /// Makes room for so many bytes more, and always for eight behind them.
  ///
  /// - Returns: Where they begin.
  @inlinable
  @inline(__always)
  mutating func extend(by size: Int) -> Int {
    let start = used
    used += size
    if used + 8 > capacity { grow(keeping: start) }
    return start
  }

  @usableFromInline
  mutating func grow(keeping written: Int) {
    capacity = max(used + 8, 2 * capacity)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    unsafe larger.copyMemory(from: room, byteCount: written)
    unsafe room.deallocate()
    unsafe room = larger
  }

  /// A length of four bytes, then the bytes.
  private mutating func append(_ source: Span<UInt8>) {
    write(UInt32(source.count))
    let start = extend(by: source.count)
    unsafe source.withUnsafeBytes { bytes in
      guard let bytes = bytes.baseAddress else { return }
      unsafe (room + start).copyMemory(from: bytes, byteCount: source.count)
    }
  }

  /// Seven bits a byte, lowest first, the eighth says that more follow: small numbers stay short.
  package mutating func writeCompact(_ value: UInt64) {
    var (rest, bits, size) = (value, UInt64(0), 0)
    while rest >= 0x80 {
      bits = bits << 8 | rest & 0x7F | 0x80
      (rest, size) = (rest >> 7, size + 1)
      guard size == 8 else { continue }
      append(bits, byteCount: size)
      (bits, size) = (0, 0)
    }
    append(bits << 8 | rest, byteCount: size + 1)
  }

  /// One byte, 1 or 0.
  @inlinable
  public mutating func write(_ value: Bool) { write(value ? 1 : 0 as UInt8) }

  package mutating func write(_ value: [UInt8]) { append(value.span) }

  package mutating func write(_ value: String) { append(value.utf8Span.span) }

  /// A presence byte, then the value.
  @inlinable
  public mutating func write<Value>(_ value: Value?, _ body: (inout ByteWriter, Value) -> Void) {
    write(value != nil)
    if let value { body(&self, value) }
  }

  package mutating func write<Subject>(_ id: ID<Subject>) { write(id.number) }
  package mutating func write(_ time: WallTime) { write(time.unixMilliseconds) }
  package mutating func write(_ money: Money) {
    write(money.micros)
    write(money.currency.code)
  }
}

/// Why stored bytes could not be read back.
package struct ByteCodingError: Error, Hashable, CustomStringConvertible {
  package let expected: String
  package let offset: Int

  package init(expected: String, offset: Int) {
    (self.expected, self.offset) = (expected, offset)
  }

  package var description: String { "expected \(expected) at byte \(offset)" }
}

/// Reads back what ``ByteWriter`` wrote; damaged bytes give an error, never a trap.
package struct ByteReader: Sendable {
  private let bytes: [UInt8]
  package private(set) var offset = 0

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  package var isAtEnd: Bool { offset == bytes.count }

  @inlinable
  package mutating func read<Number: FixedWidthInteger>(
    _ type: Number.Type = Number.self
  ) throws(ByteCodingError) -> Number {
    Number(truncatingIfNeeded: try take(byteCount: Number.bitWidth / 8))
  }

  /// A number of up to eight bytes, highest first.
  package mutating func take(byteCount: Int) throws(ByteCodingError) -> UInt64 {
    guard bytes.count - offset >= byteCount else {
      throw ByteCodingError(expected: "\(byteCount) bytes of a number", offset: offset)
    }
    defer { offset += byteCount }
    guard bytes.count - offset >= 8, byteCount > 0 else {
      return bytes[offset..<offset + byteCount].reduce(0) { $0 << 8 | UInt64($1) }
    }
    // Read as eight bytes, of which those behind are too many.
    let bits = unsafe bytes.span.bytes.unsafeLoadUnaligned(
      fromByteOffset: offset, as: UInt64.self)
    return UInt64(bigEndian: bits) >> UInt64(8 * (8 - byteCount))
  }

  /// Passes over so many bytes.
  package mutating func skip(_ byteCount: Int) throws(ByteCodingError) {
    guard bytes.count - offset >= byteCount else {
      throw ByteCodingError(expected: "\(byteCount) more bytes", offset: offset)
    }
    offset += byteCount
  }

  /// What ``ByteWriter/writeCompact(_:)`` wrote.
  package mutating func readCompact() throws(ByteCodingError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      let byte = try take(byteCount: 1)
      let bits = byte & 0x7F
      guard (bits << shift) >> shift == bits else { break }
      value |= bits << shift
      if byte & 0x80 == 0 { return value }
    }
    throw ByteCodingError(expected: "a number of 64 bits", offset: offset)
  }

  package mutating func readBool() throws(ByteCodingError) -> Bool {
    let byte: UInt8 = try read()
    guard byte <= 1 else { throw ByteCodingError(expected: "a truth value", offset: offset - 1) }
    return byte == 1
  }

  package mutating func readBytes() throws(ByteCodingError) -> [UInt8] {
    Array(bytes[try takeRange()])
  }

  package mutating func readString() throws(ByteCodingError) -> String {
    let start = offset
    let range = try takeRange()
    do throws(UTF8.ValidationError) {
      return String(copying: try UTF8Span(validating: bytes.span.extracting(range)))
    } catch { throw ByteCodingError(expected: "UTF-8 text", offset: start) }
  }

  /// Where the bytes behind a length are.
  private mutating func takeRange() throws(ByteCodingError) -> Range<Int> {
    let count = Int(try read(UInt32.self))
    guard bytes.count - offset >= count else {
      throw ByteCodingError(expected: "\(count) bytes", offset: offset)
    }
    defer { offset += count }
    return offset..<offset + count
  }

  package mutating func readOptional<Value>(
    _ body: (inout ByteReader) throws(ByteCodingError) -> Value
  ) throws(ByteCodingError) -> Value? {
    try readBool() ? try body(&self) : nil
  }

  package mutating func readID<Subject>() throws(ByteCodingError) -> ID<Subject> { ID(try read()) }

  package mutating func readWallTime() throws(ByteCodingError) -> WallTime {
    WallTime(unixMilliseconds: try read())
  }

  package mutating func readMoney() throws(ByteCodingError) -> Money {
    Money(micros: try read(), Currency(code: try read()))
  }
}
