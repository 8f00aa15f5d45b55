/// Writes values as bytes, big-endian, for the journal; read back by ``ByteReader``.
///
/// Public, as ``ByteRange`` is: only then are its generic functions specialised in other modules.
public struct ByteWriter: Sendable {
  /// What is written, and zeros behind it: to append to an array costs more than the few bytes of a number.
  private var room: [UInt8]
  package private(set) var count = 0

  /// - Parameter capacity: Bytes expected, so that the room need not grow.
  package init(capacity: Int = 256) {
    room = Array(repeating: 0, count: capacity + 8)
  }

  /// Everything that was written.
  package var bytes: [UInt8] { Array(room[..<count]) }

  /// A number in as many bytes as its type has.
  @inlinable
  public mutating func write<Number: FixedWidthInteger>(_ value: Number) {
    append(UInt64(truncatingIfNeeded: value), byteCount: Number.bitWidth / 8)
  }

  /// The lowest bytes of `bits`, highest of them first.
  public mutating func append(_ bits: UInt64, byteCount: Int) {
    invariant((1...8).contains(byteCount), "a number of \(byteCount) bytes")
    let start = extend(by: byteCount)
    // Written as eight bytes, of which the next write covers those that are too many.
    let first = (bits &<< UInt64(8 * (8 - byteCount))).bigEndian
    unsafe room.withUnsafeMutableBytes { room in
      unsafe room.storeBytes(of: first, toByteOffset: start, as: UInt64.self)
    }
  }

  /// Makes room for so many bytes more, and always for eight behind them.
  ///
  /// - Returns: Where they begin.
  @inline(__always)
  private mutating func extend(by size: Int) -> Int {
    let start = count
    count += size
    if count + 8 > room.count { grow() }
    return start
  }

  private mutating func grow() {
    room.append(contentsOf: repeatElement(0, count: max(count + 8 - room.count, room.count)))
  }

  private mutating func append(_ source: UnsafeRawBufferPointer) {
    let start = extend(by: source.count)
    unsafe room.withUnsafeMutableBytes { room in
      unsafe UnsafeMutableRawBufferPointer(rebasing: room[start..<start + source.count])
        .copyMemory(from: source)
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
  public mutating func write(_ value: Bool) { append(value ? 1 : 0, byteCount: 1) }

  /// A length of four bytes, then the bytes.
  package mutating func write(_ value: [UInt8]) {
    write(UInt32(value.count))
    unsafe value.withUnsafeBytes { unsafe append($0) }
  }

  package mutating func write(_ value: String) {
    write(UInt32(value.utf8.count))
    var value = value
    value.withUTF8 { unsafe append(UnsafeRawBufferPointer($0)) }
  }

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
    var value: UInt64 = 0
    for index in offset..<offset + byteCount { value = value << 8 | UInt64(bytes[index]) }
    offset += byteCount
    return value
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
