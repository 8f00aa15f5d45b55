import Elements
import Net
import Testing

@Suite struct FirewallBookTests {
  private let now = WallTime(unixMilliseconds: 1_000_000)

  private func network(_ number: Int) -> IPNetwork {
    IPNetwork(IPAddress(v4: 0xCB00_0000 + UInt32(number)))
  }

  @Test("Of each network the last word counts, once, and openings come first")
  func lastWords() {
    var book = FirewallBook()
    for _ in 0..<1_000 {
      book.bar(network(1), until: now + .seconds(59), at: now)
      book.bar(network(2), until: nil, at: now)
      book.unbar(network(1))
      book.bar(network(3), until: now + .milliseconds(1_500), at: now)
      book.unbar(network(3))
      book.bar(network(3), until: now + .milliseconds(1_500), at: now)
    }
    #expect(
      book.take(at: now)
        == .orders([
          .unbar(network(1)), .bar(network(3), seconds: 2), .bar(network(2), seconds: nil),
        ]))
    #expect(book.take(at: now) == nil)
  }

  @Test("A batch is bounded, and a pardon waits for no more than the one before it")
  func batches() {
    var book = FirewallBook()
    for number in 0..<3 * FirewallBook.most { book.bar(network(number), until: nil, at: now) }
    _ = book.take(at: now)
    book.unbar(network(0))
    guard case .orders(let orders) = book.take(at: now) else {
      Issue.record("nothing to do")
      return
    }
    #expect(orders.count == FirewallBook.most && orders.first == .unbar(network(0)))
  }

  @Test("The table that is made anew is told of all who are barred yet, with the time that is left")
  func anew() {
    var book = FirewallBook()
    book.bar(network(1), until: now + .seconds(10), at: now)
    book.bar(network(2), until: now + .seconds(60), at: now)
    book.bar(network(3), until: nil, at: now)
    book.unbar(network(3))
    _ = book.take(at: now)
    book.unbar(network(4))
    let later = now + .seconds(30)
    book.beginAnew(at: later)
    #expect(book.take(at: later) == .begin)
    #expect(book.take(at: later) == .orders([.bar(network(2), seconds: 31)]))
    #expect(book.take(at: later) == nil)
  }

  @Test("Whose time is over while he waits is not barred")
  func over() {
    var book = FirewallBook()
    book.bar(network(1), until: now + .seconds(1), at: now)
    #expect(book.take(at: now + .seconds(1)) == .orders([.unbar(network(1))]))
  }

  @Test("What is over is forgotten, however many come")
  func bounded() {
    var book = FirewallBook()
    for number in 0..<100_000 {
      let now = now + .milliseconds(number)
      book.bar(network(number), until: now + .seconds(1), at: now)
      if number % 1_000 == 0 { while book.take(at: now) != nil {} }
    }
    #expect(book.barredCount < 5_000)
  }
}
