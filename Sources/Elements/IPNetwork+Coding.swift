extension ByteWriter {
  /// 16 bytes of the address, then how many bits count in its family.
  package mutating func write(_ network: IPNetwork) {
    write(network.address.high)
    write(network.address.low)
    write(UInt8(network.length))
  }
}

extension ByteReader {
  package mutating func readNetwork() throws(ByteCodingError) -> IPNetwork {
    let start = offset
    let address = IPAddress(high: try read(), low: try read())
    let length = Int(try read(UInt8.self))
    guard length <= (address.isV4 ? 32 : 128) else {
      throw ByteCodingError(expected: "a length of a network", offset: start)
    }
    return IPNetwork(address, length: length)
  }
}
