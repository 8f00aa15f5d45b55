import Elements
import Testing

@Suite("Boxed values")
struct BoxedTests {
  private struct House: Sendable {
    @Boxed var rooms: [Int]
  }

  @Test("A copy keeps what it had when it was made")
  func copies() {
    var first = House(rooms: [1])
    let second = first
    first.rooms.append(2)
    #expect(first.rooms == [1, 2])
    #expect(second.rooms == [1])
    var box = Boxed(7)
    let other = box
    box.value += 1
    #expect(box.value == 8 && other.value == 7)
  }
}
