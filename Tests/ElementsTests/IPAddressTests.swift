import Elements
import Testing

@Suite struct IPAddressTests {
  @Test(
    "RFC 5952 §4: one way to write each address, and each way is read",
    arguments: [
      ("::", ["0:0:0:0:0:0:0:0", "0::", "::0", "0000:0000::0000"]),
      ("::1", ["0:0:0:0:0:0:0:1", "0::1", "::0.0.0.1"]),
      ("1::", ["1:0:0:0:0:0:0:0", "1::0"]),
      ("2001:db8::1", ["2001:0db8:0:0::1", "2001:DB8::0001", "[2001:db8::1]"]),
      ("2001:db8::1:0:0:1", ["2001:db8:0:0:1:0:0:1"]),
      ("2001:0:0:1::1", ["2001:0:0:1:0:0:0:1"]),
      ("2001:db8:0:1:1:1:1:1", ["2001:db8::1:1:1:1:1"]),
      ("2001:db8::", ["2001:db8:0:0:0:0:0:0"]),
      ("fe80::1:2:3:4", ["fe80:0:0:0:1:2:3:4"]),
      ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", []),
      ("1:2:3:4:5:6:7:0", ["1:2:3:4:5:6:7::"]), ("0:2:3:4:5:6:7:8", ["::2:3:4:5:6:7:8"]),
      ("64:ff9b::c000:201", ["64:ff9b::192.0.2.1"]),
      ("1:2:3:4:5:6:c000:201", ["1:2:3:4:5:6:192.0.2.1"]),
      ("192.0.2.1", ["::ffff:192.0.2.1", "::ffff:c000:201", "0:0:0:0:0:ffff:192.0.2.1"]),
      ("0.0.0.0", ["::ffff:0:0"]), ("255.255.255.255", ["::ffff:ffff:ffff"]),
    ])
  func texts(_ shown: String, _ others: [String]) throws {
    for text in [shown] + others {
      #expect(try #require(IPAddress(text), "\(text)").description == shown, "\(text)")
    }
  }

  @Test(
    "Ports of an address and lengths of a network spread over a table, and the families do not meet"
  )
  func hashes() {
    for text in ["192.0.2.1", "2001:db8::1", "::1"] {
      let address = IPAddress(text) ?? .v4Any
      let ports = (0..<UInt16(1_000)).map { Endpoint(address, $0).hashValue }
      #expect(Set(ports).count > 990)
      let lengths = (0...(address.isV4 ? 32 : 128)).map { IPNetwork(address, length: $0).hashValue }
      #expect(Set(lengths).count == lengths.count)
    }
    #expect(IPAddress(high: 1, low: 5).hashValue != IPAddress(high: 0, low: 5).hashValue)
  }

  @Test(
    "What is no address is none",
    arguments: [
      "", ":", ":::", "1", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::",
      "::1:2:3:4:5:6:7:8", "12345::", "g::", "::1%eth0", "::192.0.2", "192.0.2.1::",
      "1:2:3:4:5:6:7:192.0.2.1",
      "192.0.2", "192.0.2.256", "192.0.2.1.1", "1921.0.2.1", "192.0.2.", "[::1", "::1]",
      "[192.0.2.1]", " ::1",
    ])
  func mistakes(_ text: String) {
    #expect(IPAddress(text) == nil)
  }

  /// Property: what is written is read as the same address, and is the shortest.
  @Test(arguments: UInt64(1)...20)
  func roundTrip(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    for _ in 0..<500 {
      var (high, low) = (random.next(), random.next())
      // Many zeros, where the shortening is.
      for _ in 0..<Int.random(in: 0...7, using: &random) {
        let shift = UInt64(Int.random(in: 0..<4, using: &random) * 16)
        if Bool.random(using: &random) {
          high &= ~(0xFFFF << shift)
        } else {
          low &= ~(0xFFFF << shift)
        }
      }
      let address = IPAddress(high: high, low: low)
      let text = address.description
      #expect(IPAddress(text) == address, "\(text)")
      #expect(!text.contains(":0:0:") || text.contains("::"))
      #expect(text.utf8.count <= IPAddress.longestText)
    }
  }

  @Test(
    "Networks: lengths count in their own notation, and IPv4's in IPv6's is the same network",
    arguments: [
      ("192.0.2.9/24", "192.0.2.0/24"), ("192.0.2.9", "192.0.2.9"), ("192.0.2.9/32", "192.0.2.9"),
      ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"), ("2001:db8::9/32", "2001:db8::/32"),
      ("::ffff:192.0.2.9/120", "192.0.2.0/24"), ("::ffff:c000:209/120", "192.0.2.0/24"),
      ("::ffff:192.0.2.9/128", "192.0.2.9"), ("::ffff:192.0.2.9", "192.0.2.9"),
      ("::ffff:0:0/96", "0.0.0.0/0"), ("[2001:db8::1]", "2001:db8::1"),
    ])
  func networks(_ text: String, _ shown: String) throws {
    #expect(try #require(IPNetwork(text)).description == shown)
  }

  @Test(
    "What is no network is none, half of each family least of all",
    arguments: [
      "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/", "/24", "2001:db8::/129", "::ffff:192.0.2.0/24",
      "::ffff:0:0/95", "::ffff:0:0/129", "192.0.2.0/24/24", "192.0.2/24",
    ])
  func wrongNetworks(_ text: String) {
    #expect(IPNetwork(text) == nil)
  }
}
