import Elements
import Notices
import Store
import Testing

@Suite struct SendingQueueTests {
  private let mail = Recipient(.mail, "owner@a.example")
  private let hook = Recipient(.webhook, "https://b.example/")

  private func item(_ key: String, to recipient: Recipient, attempts: Int = 0) -> OutboxItem {
    OutboxItem(OutboxBench.alert(key), to: recipient, attempts: attempts, isEscalated: false)
  }

  @Test("A recipient gets one copy at a time, and the next recipient does not wait for it")
  func oneAtATime() {
    var queue = SendingQueue(senders: 4)
    let copies = ["1", "2", "3"].flatMap { [item($0, to: hook), item($0, to: mail)] }
    let (isNews, isNewsAgain) = (queue.add(copies), queue.add(copies))
    #expect(isNews && !isNewsAgain)
    let first = [queue.take(), queue.take(), queue.take()]
    #expect(first.map { $0?.key } == [copies[0].key, copies[1].key, nil])
    #expect(!queue.hasNext)
    queue.finish(copies[1], isRefused: false)
    let second = [queue.take(), queue.take()]
    #expect(second.map { $0?.key } == [copies[3].key, nil])
  }

  @Test("What was refused before holds all senders but one, and comes behind what is new")
  func refused() {
    var queue = SendingQueue(senders: 3)
    let hooks = (0..<4).map { Recipient(.webhook, "https://\($0).example/") }
    let repeats = hooks.map { item("old", to: $0, attempts: 5) }
    _ = queue.add(repeats)
    var taken = [queue.take()]
    _ = queue.add([item("new", to: mail)])
    taken += [queue.take(), queue.take(), queue.take()]
    #expect(taken.map { $0?.recipient } == [hooks[0], mail, hooks[1], nil])
    queue.finish(repeats[0], isRefused: true)
    // Who refuses is a doubtful recipient of new copies, too.
    _ = queue.add([item("new", to: hooks[0])])
    taken = [queue.take(), queue.take()]
    #expect(taken.map { $0?.recipient } == [hooks[2], nil])
    queue.finish(repeats[1], isRefused: false)
    taken = [queue.take(), queue.take()]
    #expect(taken.map { $0?.recipient } == [hooks[3], nil])
  }

  @Test("A single sender sends what was refused, too")
  func single() {
    var queue = SendingQueue(senders: 1)
    _ = queue.add([item("old", to: hook, attempts: 1)])
    let taken = queue.take()
    #expect(taken?.recipient == hook)
  }
}
