import Elements

/// A record, or nothing for a type that nobody asked for.
struct DNSParsed {
  let known: DNSMessage.Record?
}

/// Walks through the bytes of a ``DNSMessage``; nil where they end early or make no sense.
struct DNSReader {
  let bytes: [UInt8]
  var offset = 0

  mutating func skip(_ count: Int) -> Bool {
    guard bytes.count - offset >= count else { return false }
    offset += count
    return true
  }

  mutating func number() -> Int? {
    guard bytes.count - offset >= 2 else { return nil }
    defer { offset += 2 }
    return Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
  }

  /// RFC 1035 §4.1.4: labels and pointers to earlier ones.
  mutating func name() -> String? {
    var (position, end): (Int, Int?) = (offset, nil)
    var text: [UInt8] = []
    // Each step takes a label of at least two bytes or a pointer: 255 steps are more than any name.
    for _ in 0..<255 {
      guard position < bytes.count else { return nil }
      let length = Int(bytes[position])
      switch length {
      case 0:
        offset = end ?? position + 1
        return String(decoding: text, as: UTF8.self)
      case 1...63:
        guard position + length < bytes.count, text.count + length < 255 else { return nil }
        if !text.isEmpty { text.append(UInt8(ascii: ".")) }
        for byte in bytes[(position + 1)...(position + length)] {
          // Nothing that could be taken for something else where the name is used.
          guard byte > 32, byte < 127, byte != UInt8(ascii: ".") else { return nil }
          text.append((65...90).contains(byte) ? byte + 32 : byte)
        }
        position += length + 1
      case 192...255:
        guard position + 1 < bytes.count else { return nil }
        end = end ?? position + 2
        position = (length & 0x3F) << 8 | Int(bytes[position + 1])
      case _:
        return nil
      }
    }
    return nil
  }

  /// RFC 1035 §3.3: a length and so many characters.
  mutating func characters() -> String? {
    guard offset < bytes.count else { return nil }
    let length = Int(bytes[offset])
    guard bytes.count - offset > length else { return nil }
    defer { offset += length + 1 }
    return String(decoding: bytes[(offset + 1)..<(offset + 1 + length)], as: UTF8.self)
  }

  mutating func record() -> DNSParsed? {
    guard let name = name(), let type = number(), let kind = number(), let high = number(),
      let low = number(), let length = number(), bytes.count - offset >= length
    else { return nil }
    let end = offset + length
    defer { offset = end }
    guard kind == 1, let type = DNSMessage.RecordType(rawValue: UInt16(type)) else {
      return DNSParsed(known: nil)
    }
    guard let data = data(of: type, length: length), offset <= end else { return nil }
    let life = UInt32(high << 16 | low)
    return DNSParsed(known: DNSMessage.Record(name: name, lifeSeconds: life, data: data))
  }

  private mutating func data(of type: DNSMessage.RecordType, length: Int) -> DNSMessage.Data? {
    switch type {
    case .a:
      guard length == 4 else { return nil }
      return .address(IPAddress(v4: bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }))
    case .aaaa:
      guard length == 16 else { return nil }
      let high = bytes[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) }
      let low = bytes[offset + 8..<offset + 16].reduce(0) { $0 << 8 | UInt64($1) }
      return .address(IPAddress(high: high, low: low))
    case .cname:
      return name().map { .alias($0) }
    case .srv:
      guard let priority = number(), let weight = number(), let port = number(),
        let target = name()
      else { return nil }
      return .service(
        priority: UInt16(priority), weight: UInt16(weight), port: UInt16(port), target: target)
    case .naptr:
      guard let order = number(), let preference = number(), let flags = characters(),
        let service = characters(), characters() != nil, let replacement = name()
      else { return nil }
      return .pointer(
        order: UInt16(order), preference: UInt16(preference), flags: flags.lowercased(),
        service: service.lowercased(), replacement: replacement)
    }
  }
}
