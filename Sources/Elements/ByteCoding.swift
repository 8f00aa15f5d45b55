/// Writes values as bytes, big-endian, for the journal; read back by ``ByteReader``.
package struct ByteWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func write<Number: FixedWidthInteger>(_ value: Number) {
    var shift = Number.bitWidth
    while shift > 0 {
      shift -= 8
      bytes.append(UInt8(truncatingIfNeeded: value >> Number(shift)))
    }
  }

  package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

  /// A length of four bytes, then the bytes.
  package mutating func write(_ value: [UInt8]) {
    write(UInt32(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func write(_ value: String) { write(Array(value.utf8)) }

  /// A presence byte, then the value.
  package mutating func write<Value>(_ value: Value?, _ body: (inout ByteWriter, Value) -> Void) {
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

  package mutating func read<Number: FixedWidthInteger>(
    _ type: Number.Type = Number.self
  ) throws(ByteCodingError) -> Number {
    let size = Number.bitWidth / 8
    guard bytes.count - offset >= size else {
      throw ByteCodingError(expected: "\(size) bytes of a number", offset: offset)
    }
    var value: Number = 0
    for byte in bytes[offset..<offset + size] {
      value = Number.bitWidth == 8 ? Number(truncatingIfNeeded: byte) : value << 8 | Number(byte)
    }
    offset += size
    return value
  }

  package mutating func readBool() throws(ByteCodingError) -> Bool {
    let byte: UInt8 = try read()
    guard byte <= 1 else { throw ByteCodingError(expected: "a truth value", offset: offset - 1) }
    return byte == 1
  }

  package mutating func readBytes() throws(ByteCodingError) -> [UInt8] {
    let count = Int(try read(UInt32.self))
    guard bytes.count - offset >= count else {
      throw ByteCodingError(expected: "\(count) bytes", offset: offset)
    }
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }

  package mutating func readString() throws(ByteCodingError) -> String {
    let start = offset
    guard let text = String(validating: try readBytes(), as: UTF8.self) else {
      throw ByteCodingError(expected: "UTF-8 text", offset: start)
    }
    return text
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
