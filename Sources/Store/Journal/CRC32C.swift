/// The CRC-32C checksum (Castagnoli, RFC 3720 appendix B.4), eight bytes a step from tables.
package struct CRC32C: Sendable {
  private var remainder: UInt32 = ~0

  package init() {}

  /// The checksum of everything added so far.
  package var value: UInt32 { ~remainder }

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var (crc, index) = (remainder, 0)
    CRC32C.tables.withUnsafeBufferPointer { tables in
      while bytes.count - index >= 8 {
        let word = UInt64(
          littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        let low = UInt32(truncatingIfNeeded: word) ^ crc
        let high = UInt32(truncatingIfNeeded: word >> 32)
        crc =
          tables[1792 + Int(low & 0xFF)] ^ tables[1536 + Int(low >> 8 & 0xFF)]
          ^ tables[1280 + Int(low >> 16 & 0xFF)] ^ tables[1024 + Int(low >> 24)]
          ^ tables[768 + Int(high & 0xFF)] ^ tables[512 + Int(high >> 8 & 0xFF)]
          ^ tables[256 + Int(high >> 16 & 0xFF)] ^ tables[Int(high >> 24)]
        index += 8
      }
      while index < bytes.count {
        crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
        index += 1
      }
    }
    remainder = crc
  }

  package mutating func add(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { add($0) }
  }

  /// Eight tables of 256: entry `256 * t + b` is byte `b` followed by `t` zero bytes.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 2048)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
      tables[byte] = crc
    }
    for table in 1..<8 {
      for byte in 0..<256 {
        let shorter = tables[256 * (table - 1) + byte]
        tables[256 * table + byte] = shorter >> 8 ^ tables[Int(shorter & 0xFF)]
      }
    }
    return tables
  }()
}
