// Text that is written as bytes, without a `String` on the way.
extension [UInt8] {
  /// Appends a number in decimal digits.
  package mutating func append(decimal number: UInt64) {
    guard number >= 10 else { return append(UInt8(truncatingIfNeeded: number) + 0x30) }
    append(addingCapacity: 20) { $0.append(decimal: number) }
  }

  /// Appends a text; nothing is made of its characters.
  package mutating func append(text: StaticString) {
    text.withUTF8Buffer { buffer in unsafe append(contentsOf: buffer) }
  }

  /// Appends an address and a port; IPv6 in brackets.
  package mutating func append(_ endpoint: Endpoint) {
    append(addingCapacity: Endpoint.longestText) { $0.append(endpoint) }
  }

  /// Appends an address; IPv6 without brackets.
  package mutating func append(_ address: IPAddress) {
    append(addingCapacity: IPAddress.longestText) { $0.append(address) }
  }
}

extension [UInt8] {
  /// Bytes for which there is room from the start.
  ///
  /// The initializer of the library that does the same looks the type of its memory up each time.
  @inlinable
  @inline(__always)
  public init(room: Int, _ write: (inout OutputSpan<UInt8>) -> Void) {
    self = []
    append(addingCapacity: room, initializingWith: write)
  }
}

// The same where room has been made for several pieces at once. Public as ``ByteRange`` is.
extension OutputSpan<UInt8> {
  /// Appends bytes; there is room for them.
  @inlinable
  @inline(__always)
  public mutating func append(copying bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBufferPointer { source in
      unsafe withUnsafeMutableBufferPointer { buffer, count in
        let room = buffer.extracting(count..<count + source.count)
        _ = unsafe room.initialize(fromContentsOf: source)
        count += source.count
      }
    }
  }

  /// Appends a text; there is room for it.
  @inlinable
  @inline(__always)
  public mutating func append(text: StaticString) {
    text.withUTF8Buffer { unsafe append(copying: $0.span) }
  }
}

extension OutputSpan<UInt8> {
  /// Appends a number in decimal digits; there is room for twenty.
  package mutating func append(decimal number: UInt64) {
    // To divide by ten is a multiplication; by a divisor that moves on it is a division for each digit.
    if number >= 10 { append(decimal: number / 10) }
    append(UInt8(truncatingIfNeeded: number % 10) + 0x30)
  }

  /// Appends a byte in decimal digits; there is room for them.
  @inline(__always)
  fileprivate mutating func append(decimal number: UInt8) {
    if number >= 100 { append(number / 100 + 0x30) }
    if number >= 10 { append(number / 10 % 10 + 0x30) }
    append(number % 10 + 0x30)
  }

  /// Appends an address and a port; there is room for ``Endpoint/longestText``.
  package mutating func append(_ endpoint: Endpoint) {
    if !endpoint.address.isV4 { append(UInt8(ascii: "[")) }
    append(endpoint.address)
    append(text: endpoint.address.isV4 ? ":" : "]:")
    append(decimal: UInt64(endpoint.port))
  }

  /// Appends an address; there is room for ``IPAddress/longestText``.
  package mutating func append(_ address: IPAddress) {
    guard let v4 = address.v4 else { return append(groupsOf: address) }
    for shift in stride(from: UInt32(24), through: 0, by: -8) {
      if shift < 24 { append(UInt8(ascii: ".")) }
      append(decimal: UInt8(truncatingIfNeeded: v4 >> shift))
    }
  }

  /// Appends an address as groups of hexadecimal digits; there is room for them.
  private mutating func append(groupsOf address: IPAddress) {
    let gap = address.gap
    for index in 0..<8 {
      if index == gap.lowerBound { append(text: "::") }
      guard !gap.contains(index) else { continue }
      if index > 0, index != gap.upperBound { append(UInt8(ascii: ":")) }
      let group = address.group(index)
      for shift in stride(from: UInt16(12), through: 0, by: -4)
      where group >> shift > 0 || shift == 0 {
        let digit = UInt8(truncatingIfNeeded: group >> shift) & 15
        append(digit < 10 ? digit + 0x30 : digit + 0x57)
      }
    }
  }
}
