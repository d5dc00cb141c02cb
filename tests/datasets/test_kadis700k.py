def test_the_pristine_images_come_in_the_order_of_the_table_without_scores(load):
    images = load("kadis700k").images
    assert [image.file for image in images] == [
        "ref_imgs/a-fleshy-plant.png",
        "ref_imgs/lake.png",
        "ref_imgs/bridge.png",
    ]
    assert {(image.score, image.present, image.reference) for image in images} == {(None, (), None)}
    assert len({image.group for image in images}) == 3
