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
      book.bar(network(1), until: now + .seconds(59))
      book.bar(network(2), until: nil)
      book.unbar(network(1))
      book.bar(network(3), until: now + .milliseconds(1_500))
      book.unbar(network(3))
      book.bar(network(3), until: now + .milliseconds(1_500))
    }
    #expect(
      book.take(at: now) == .orders([.unbar(network(1)), .bar(network(3), seconds: 2)]))
    #expect(book.take(at: now) == .orders([.bar(network(2), seconds: nil)]))
    #expect(book.take(at: now) == nil)
  }

  @Test("A batch is bounded, and a pardon waits for no more than the one before it")
  func batches() {
    var book = FirewallBook()
    for number in 0..<3 * FirewallBook.most { book.bar(network(number), until: nil) }
    _ = book.take(at: now)
    book.unbar(network(0))
    #expect(book.take(at: now) == .orders([.unbar(network(0))]))
  }

  @Test("The table that is made anew is told of all who are barred yet, with the time that is left")
  func anew() {
    var book = FirewallBook()
    book.bar(network(1), until: now + .seconds(10))
    book.bar(network(2), until: now + .seconds(60))
    book.bar(network(3), until: nil)
    book.unbar(network(3))
    _ = book.take(at: now)
    book.unbar(network(4))
    let later = now + .seconds(30)
    book.beginAnew()
    book.unbar(network(5))
    book.bar(network(6), until: nil)
    // As long as there is none, nothing is told.
    for _ in 0..<3 { #expect(book.take(at: later) == .begin) }
    let told = book.begun().sorted()
    #expect(told == [network(1), network(2), network(6)])
    book.tell(told)
    book.bar(network(6), until: nil)
    book.unbar(network(7))
    #expect(book.take(at: later) == .orders([.unbar(network(7))]))
    #expect(
      book.take(at: later)
        == .orders([
          .bar(network(6), seconds: nil), .unbar(network(1)),
          .bar(network(2), seconds: 31), .bar(network(6), seconds: nil),
        ]))
    #expect(book.take(at: later) == nil && !book.hasWork)
  }

  @Test("Whose time is over while he waits is not barred")
  func over() {
    var book = FirewallBook()
    book.bar(network(1), until: now + .seconds(1))
    #expect(book.take(at: now + .seconds(1)) == .orders([.unbar(network(1))]))
  }

  @Test("Whoever the table never took is let in again without a word, unless he is barred anew")
  func refused() {
    var book = FirewallBook()
    for number in 1...2 {
      book.bar(network(number), until: nil)
      _ = book.take(at: now)
      book.refuse(network(number))
    }
    book.unbar(network(1))
    #expect(book.take(at: now) == nil)
    book.bar(network(2), until: nil)
    #expect(book.take(at: now) == .orders([.bar(network(2), seconds: nil)]))
    book.unbar(network(2))
    #expect(book.take(at: now) == .orders([.unbar(network(2))]))
  }

  @Test(
    "While there is no table what waits does not grow, nor where it is too slow for all openings")
  func waiting() {
    var book = FirewallBook()
    let networks = (0...FirewallBook.mostOpenings).map(network)
    for network in networks { book.bar(network, until: nil) }
    while book.take(at: now) != nil {}
    for network in networks { book.unbar(network) }
    #expect(book.take(at: now) == .begin)
    for network in networks {
      book.bar(network, until: nil)
      book.unbar(network)
    }
    #expect(book.begun().isEmpty)
    #expect(book.take(at: now) == nil)
  }

  @Test("What is over is forgotten, however many come")
  func bounded() {
    var book = FirewallBook()
    for number in 0..<100_000 {
      let now = now + .milliseconds(number)
      book.bar(network(number), until: now + .seconds(1))
      if number % 1_000 == 0 { while book.take(at: now) != nil {} }
    }
    #expect(book.barredCount < 5_000)
  }
}
