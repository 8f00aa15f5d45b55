import Elements
import TestKit
import Testing

@testable import SIP

@Suite struct NameTableTests {
  private enum Thing {}

  /// Property: the same as a dictionary, with names that crowd at a few places and at the seam.
  @Test(arguments: UInt64(1)...50)
  func agreesWithDictionary(seed: UInt64) {
    var dice = SplitMix(seed: seed)
    var table = NameTable<Thing>()
    var model: [Fingerprint: ID<Thing>] = [:]
    for _ in 0..<2_000 {
      let name = Fingerprint(
        high: UInt64.random(in: 0..<3, using: &dice),
        low: UInt64.random(in: 0..<12, using: &dice) &- 6)
      let id = ID<Thing>(UInt64.random(in: 1..<4, using: &dice))
      switch Int.random(in: 0..<3, using: &dice) {
      case 0:
        table.give(name, to: id)
        model[name] = id
      case 1:
        table.take(name, from: id)
        if model[name] == id { model[name] = nil }
      case _: #expect(table.find(name) == model[name])
      }
      #expect(table.count == model.count)
    }
    for (name, id) in model { #expect(table.find(name) == id) }
    for (name, id) in model { table.take(name, from: id) }
    #expect(table.isEmpty)
  }

  @Test("Many names fit, and each is found")
  func growth() {
    var table = NameTable<Thing>()
    var dice = SplitMix(seed: 1)
    let names = (0..<10_000).map { _ in Fingerprint(high: dice.next(), low: dice.next()) }
    for (index, name) in names.enumerated() { table.give(name, to: ID(UInt64(index + 1))) }
    #expect(names.indices.allSatisfy { table.find(names[$0]) == ID(UInt64($0 + 1)) })
    #expect(table.find(Fingerprint(high: 0, low: 0)) == nil)
  }
}
