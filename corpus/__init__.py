"""What was said, and where: sources, their text, and passages with exact offsets."""
