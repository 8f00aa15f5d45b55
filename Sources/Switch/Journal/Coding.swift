import Elements

extension ByteWriter {
  mutating func write(_ endpoint: Endpoint) {
    write(endpoint.address.high)
    write(endpoint.address.low)
    write(endpoint.port)
  }
}

extension ByteReader {
  mutating func readEndpoint() throws(ByteCodingError) -> Endpoint {
    let address = IPAddress(high: try read(), low: try read())
    return Endpoint(address, try read())
  }

  /// Reads a value that was written by its name.
  mutating func readRaw<Value: RawRepresentable<String>>() throws(ByteCodingError) -> Value {
    let start = offset
    guard let value = Value(rawValue: try readString()) else {
      throw ByteCodingError(expected: "a \(Value.self)", offset: start)
    }
    return value
  }

  mutating func readStrings() throws(ByteCodingError) -> [String] {
    var strings: [String] = []
    for _ in 0..<(try read(UInt32.self)) { strings.append(try readString()) }
    return strings
  }
}

extension Alert {
  func encode(into writer: inout ByteWriter) {
    writer.write(kind.rawValue)
    writer.write(severity.rawValue)
    writer.write(tenant) { $0.write($1) }
    writer.write(at)
    writer.write(key)
    writer.write(UInt32(facts.count))
    for fact in facts {
      writer.write(fact.name)
      writer.write(fact.value)
    }
  }

  init(from reader: inout ByteReader) throws(ByteCodingError) {
    let kind: Kind = try reader.readRaw()
    let severity: Severity = try reader.readRaw()
    let tenant: TenantID? = try reader.readOptional(readID)
    let at = try reader.readWallTime()
    let key = try reader.readString()
    var facts: [Fact] = []
    for _ in 0..<(try reader.read(UInt32.self)) {
      facts.append(Fact(try reader.readString(), try reader.readString()))
    }
    self.init(kind, severity, tenant: tenant, at: at, key: key, facts: facts)
  }
}
