package import Elements
package import Guard

// How the journal writes who is banned, and where phones are known.

extension GuardChange {
  package func encode(into writer: inout ByteWriter) {
    switch self {
    case .put(let ban):
      writer.write(UInt8(1))
      ban.encode(into: &writer)
    case .lift(let subject):
      writer.write(UInt8(2))
      subject.encode(into: &writer)
    case .known(let network, let wall):
      writer.write(UInt8(3))
      writer.write(network)
      writer.write(wall)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    switch try reader.read(UInt8.self) {
    case 1: self = .put(try Ban(from: &reader))
    case 2: self = .lift(try BanSubject(from: &reader))
    case 3: self = .known(try reader.readNetwork(), try reader.readWallTime())
    case _: throw ByteCodingError(expected: "a change of the guard", offset: start)
    }
  }
}

extension Ban {
  fileprivate func encode(into writer: inout ByteWriter) {
    subject.encode(into: &writer)
    cause.encode(into: &writer)
    writer.write(since)
    writer.write(until) { $0.write($1) }
    writer.write(UInt32(clamping: rung))
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    let subject = try BanSubject(from: &reader)
    let cause = try Cause(from: &reader)
    let since = try reader.readWallTime()
    let until = try reader.readOptional { reader throws(ByteCodingError) in
      try reader.readWallTime()
    }
    self.init(subject, cause, since: since, until: until, rung: Int(try reader.read(UInt32.self)))
  }
}

extension BanSubject {
  fileprivate func encode(into writer: inout ByteWriter) {
    switch self {
    case .user(let user, let network):
      writer.write(UInt8(1))
      writer.write(user)
      writer.write(network)
    case .network(let network):
      writer.write(UInt8(2))
      writer.write(network)
    }
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    switch try reader.read(UInt8.self) {
    case 1: self = .user(try reader.readID(), from: try reader.readNetwork())
    case 2: self = .network(try reader.readNetwork())
    case _: throw ByteCodingError(expected: "who is banned", offset: start)
    }
  }
}

extension Ban.Cause {
  fileprivate func encode(into writer: inout ByteWriter) {
    switch self {
    case .offences(let kind, let count):
      writer.write(UInt8(1))
      writer.write(kind.rawValue)
      writer.write(UInt32(clamping: count))
    case .persistence(let tries):
      writer.write(UInt8(2))
      writer.write(UInt32(clamping: tries))
    case .neighbours(let count):
      writer.write(UInt8(3))
      writer.write(UInt32(clamping: count))
    case .order(let words):
      writer.write(UInt8(4))
      writer.write(words)
    }
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    switch try reader.read(UInt8.self) {
    case 1:
      guard let kind = Offence.Kind(rawValue: try reader.read()) else {
        throw ByteCodingError(expected: "a kind of offence", offset: start)
      }
      self = .offences(kind, count: Int(try reader.read(UInt32.self)))
    case 2: self = .persistence(tries: Int(try reader.read(UInt32.self)))
    case 3: self = .neighbours(count: Int(try reader.read(UInt32.self)))
    case 4: self = .order(try reader.readString())
    case _: throw ByteCodingError(expected: "the cause of a ban", offset: start)
    }
  }
}
