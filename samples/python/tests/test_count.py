import unittest

from wordcount.count import count


class CountTest(unittest.TestCase):
    def test_without_regard_to_case(self):
        self.assertEqual(count("The ship and the hull. THE END"), [("the", 3), ("and", 1), ("end", 1), ("hull", 1), ("ship", 1)])

    def test_words_with_marks_in_them(self):
        self.assertEqual(dict(count("don't x-ray 42")), {"don't": 1, "x-ray": 1})

    def test_no_more_than_asked_for(self):
        self.assertEqual(len(count("a b c d", most=2)), 2)


if __name__ == "__main__":
    unittest.main()
